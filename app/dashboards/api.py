"""The API of dashboards."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response, abort, request, url_for
from flask_appbuilder.api import expose
from marshmallow import Schema
from sqlalchemy.orm.exc import StaleDataError

from app.dashboards import queries, schemas, service, texts
from app.dashboards.access import DashboardAccess, DashboardRefusedError
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration.checking import ConfigurationProblemsError
from app.dashboards.data import uploads
from app.dashboards.enums import Action
from app.dashboards.links import service as links
from app.dashboards.models import Dashboard
from app.dashboards.service import Place
from app.dashboards.weekly import service as weekly
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.http import as_secret, page_number, parse_int, public_url
from app.outbox import service as outbox
from app.parties.access import current_member
from app.parties.api_base import (
    CHANGED_MEANWHILE,
    CODES,
    PAGE_PARAMETER,
    PAGED_FIELDS,
    UNCHANGED,
    Method,
    Operation,
    PartyApiBase,
    endpoint,
)
from app.parties.optimistic_lock import StaleFormError
from app.parties.texts import Flash

CREATED, SAVED, CLONED, DELETED, RESTORED = "created", "saved", "cloned", "deleted", "restored"
SHARED, MADE_GLOBAL, IMPORTED, UPLOADED = "shared", "shown_to_everybody", "imported", "uploaded"
LINKED, REVOKED, SUBSCRIBED, UNSUBSCRIBED = "linked", "revoked", "subscribed", "unsubscribed"
NOT_SEEN = {404: "There is no such dashboard that you can see"}
NOT_YOURS = {403: "You may see the dashboard, but not do this", **NOT_SEEN}
CONFLICT = (
    "The dashboard was changed in the meantime. `conflict` has the stored and the sent value of each field that differs",
    {"conflict": {"type": "object"}, "result": schemas.DashboardDetails},
)
INVALID = ("A value is wrong; `problems` has each one of the configuration", schemas.PROBLEMS)
CHANGE = {**NOT_YOURS, 409: CONFLICT, 412: ("The same, if the version was sent as If-Match", CONFLICT[1])}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of the dashboard, instead of its version in the body",
    "schema": {"type": "string"},
}
LIST_PARAMETERS = tuple(
    {"in": "query", "name": name, "description": description, "schema": {"type": "string"}}
    for name, description in (
        ("search", "Words in the name, category or description"),
        ("category", "Dashboards of one category; empty for those without one"),
    )
)
NOTES = {"notes": {"type": "array", "items": {"type": "string"}, "description": "What is not drawn, and why"}}
MEMBERS = {"type": "array", "items": schemas.SharedMember}
LINKS = {"type": "array", "items": schemas.LinkSummary}
UPLOADS = {"type": "array", "items": schemas.UploadSummary}
VERSIONS = {"type": "array", "items": schemas.DashboardVersionSummary}
SUMMARIES = {"type": "array", "items": schemas.DashboardSummary}


class DashboardApi(DashboardAccess, PartyApiBase):
    """Dashboards under /api/v1/dashboards, with the rights and services of the pages."""

    resource_name = "dashboards"
    openapi_spec_tag = "Dashboards"

    # -- read

    @expose("")
    @endpoint("read", gives=SUMMARIES, parameters=(PAGE_PARAMETER, *LIST_PARAMETERS), more=PAGED_FIELDS)
    def list(self) -> Response:
        """List the dashboards that one sees, by category and name. A page has 24 of them."""
        page = queries.page(
            current_member(),
            page_number(),
            search=request.args.get("search", ""),
            category=request.args.get("category"),
            with_all=self.is_staff(),
        )
        rows = schemas.DashboardSummary(many=True).dump(page.items)
        return self.response(200, result=rows, page=page.number, has_next=page.has_next)

    @expose("/categories")
    @endpoint("read", gives={"type": "array", "items": {"type": "string"}})
    def categories(self) -> Response:
        """List the categories of the dashboards that one sees."""
        return self.response(200, result=queries.categories(current_member(), with_all=self.is_staff()))

    @expose("/<dashboard_id>")
    @endpoint("read", gives=schemas.DashboardDetails, refusals=NOT_SEEN)
    def show(self, dashboard_id: str) -> Response:
        """Show a dashboard."""
        return self._result(self.get(dashboard_id, Action.READ))

    @expose("/<dashboard_id>/file")
    @endpoint("read", gives={"type": "object"}, refusals=NOT_SEEN)
    def export(self, dashboard_id: str) -> Response:
        """Show a dashboard as it stands in a file, which can be imported."""
        return self.response(200, result=service.export(self.get(dashboard_id, Action.READ)))

    # -- create

    @expose("", methods=["POST"])
    @endpoint(
        "create",
        takes=schemas.DashboardInput,
        gives=schemas.DashboardDetails,
        status=201,
        codes=(CREATED,),
        refusals={409: "You have too many dashboards", 422: INVALID},
    )
    def create(self, sent: dict[str, Any]) -> Response:
        """Create a dashboard. Nobody else sees it yet."""
        with transaction():
            dashboard = service.create(current_member(), **sent)
        return self._new(dashboard, CREATED, texts.created(dashboard))

    @expose("/import", methods=["POST"])
    @endpoint(
        "create",
        gives=schemas.DashboardDetails,
        status=201,
        codes=(IMPORTED,),
        more=NOTES,
        body={"type": "object"},
        refusals={409: "You have too many dashboards", 422: INVALID},
    )
    def import_file(self) -> Response:
        """Create a dashboard from a file of this site or of flask_jsondash, which is the body of the request."""
        with transaction():
            imported = service.import_text(request.get_data(), current_member(), name=texts.unnamed())
        return self._new(imported.dashboard, IMPORTED, texts.created(imported.dashboard), notes=imported.notes)

    @expose("/<dashboard_id>/clone", methods=["POST"])
    @endpoint("clone", gives=schemas.DashboardDetails, status=201, codes=(CLONED,), refusals=NOT_SEEN)
    def clone(self, dashboard_id: str) -> Response:
        """Make a copy that is one's own."""
        dashboard = self.get(dashboard_id, Action.CLONE)
        with transaction():
            copy = service.clone(dashboard, current_member())
        return self._new(copy, CLONED, texts.cloned(copy))

    # -- change

    @expose("/<dashboard_id>", methods=["PATCH"])
    @endpoint(
        "update",
        takes=schemas.DashboardChangeInput,
        gives=schemas.DashboardDetails,
        codes=(SAVED, UNCHANGED),
        parameters=(IF_MATCH,),
        refusals={**CHANGE, 422: INVALID},
    )
    def change(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Change a dashboard. Send the version that was read."""
        dashboard, expected = self.get(dashboard_id, Action.UPDATE), _expected(sent)
        try:
            with transaction():
                changed = service.update(dashboard, expected, current_member(), **sent)
        except (StaleFormError, StaleDataError):
            return self._conflict(dashboard_id, sent)
        return self._result(dashboard, SAVED if changed else UNCHANGED, texts.changed(dashboard))

    @expose("/<dashboard_id>/modules", methods=["PATCH"])
    @endpoint(
        "update",
        takes=schemas.ArrangementInput,
        gives=schemas.DashboardDetails,
        codes=(SAVED, UNCHANGED),
        parameters=(IF_MATCH,),
        refusals={**CHANGE, 422: INVALID},
    )
    def arrange(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Move and resize modules."""
        dashboard, expected = self.get(dashboard_id, Action.UPDATE), _expected(sent)
        places = [Place(**place) for place in sent["modules"]]
        try:
            with transaction():
                changed = service.arrange(dashboard, expected, current_member(), places, sent.get("layout"))
        except (StaleFormError, StaleDataError):
            return self._conflict(dashboard_id, {})
        return self._result(dashboard, SAVED if changed else UNCHANGED, texts.changed(dashboard))

    @expose("/<dashboard_id>", methods=["DELETE"])
    @endpoint("delete", codes=(DELETED,), refusals=NOT_YOURS)
    def delete(self, dashboard_id: str) -> Response:
        """Delete a dashboard with its history."""
        dashboard = self.get(dashboard_id, Action.DELETE)
        with transaction():
            service.delete(dashboard)
        return self.respond(200, DELETED, texts.deleted(dashboard))

    # -- files

    @expose("/<dashboard_id>/uploads")
    @endpoint("read", gives=UPLOADS, refusals=NOT_SEEN)
    def uploads(self, dashboard_id: str) -> Response:
        """List the CSV files of a dashboard, the newest first. A module shows one by its ID."""
        found = uploads.of(self.get(dashboard_id, Action.READ))
        return self.response(200, result=schemas.UploadSummary(many=True).dump(found))

    @expose("/<dashboard_id>/uploads", methods=["POST"])
    @endpoint(
        "update",
        takes=schemas.UploadInput,
        gives=schemas.UploadSummary,
        status=201,
        codes=(UPLOADED,),
        refusals={**NOT_YOURS, 422: "The file cannot be read"},
    )
    def upload(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Add a CSV file to a dashboard, for its modules to show."""
        dashboard = self.get(dashboard_id, Action.UPDATE)
        with transaction():
            stored = uploads.store(dashboard, sent["name"], sent["file"].encode("utf-8", "replace"))
        return self.respond(201, UPLOADED, texts.uploaded(stored.name), result=schemas.UploadSummary().dump(stored))

    @expose("/<dashboard_id>/uploads/<upload_id>", methods=["DELETE"])
    @endpoint("update", codes=(DELETED,), refusals=NOT_YOURS)
    def delete_upload(self, dashboard_id: str, upload_id: str) -> Response:
        """Delete a CSV file of a dashboard. Modules that show it say that it is gone."""
        dashboard = self.get(dashboard_id, Action.UPDATE)
        with transaction():
            is_deleted = uploads.delete(dashboard, upload_id)
        if not is_deleted:
            abort(404)
        return self.respond(200, DELETED, texts.upload_deleted())

    # -- history

    @expose("/<dashboard_id>/versions")
    @endpoint("read", gives=VERSIONS, refusals=NOT_SEEN)
    def versions(self, dashboard_id: str) -> Response:
        """List the last versions of a dashboard, the newest first."""
        found = queries.versions(self.get(dashboard_id, Action.READ))
        return self.response(200, result=schemas.DashboardVersionSummary(many=True).dump(found))

    @expose("/<dashboard_id>/versions/<int:number>")
    @endpoint("read", gives=schemas.DashboardVersionDetails, refusals=NOT_SEEN)
    def show_version(self, dashboard_id: str, number: int) -> Response:
        """Show what a dashboard was."""
        version = queries.version(self.get(dashboard_id, Action.READ), number)
        if version is None:
            abort(404)
        return self.response(200, result=schemas.DashboardVersionDetails().dump(version))

    @expose("/<dashboard_id>/versions/<int:number>/restore", methods=["POST"])
    @endpoint(
        "update",
        takes=schemas.VersionInput,
        gives=schemas.DashboardDetails,
        codes=(RESTORED,),
        parameters=(IF_MATCH,),
        refusals=CHANGE,
    )
    def restore(self, dashboard_id: str, number: int, sent: dict[str, Any]) -> Response:
        """Make a dashboard what it was in a version. That is a new version."""
        dashboard, expected = self.get(dashboard_id, Action.UPDATE), _expected(sent)
        try:
            with transaction():
                service.restore(dashboard, expected, current_member(), number)
        except (StaleFormError, StaleDataError):
            return self._conflict(dashboard_id, {})
        return self._result(dashboard, RESTORED, texts.restored(number))

    @expose("/<dashboard_id>/undo", methods=["POST"])
    @endpoint(
        "update",
        takes=schemas.VersionInput,
        gives=schemas.DashboardDetails,
        codes=(RESTORED,),
        parameters=(IF_MATCH,),
        refusals=CHANGE,
    )
    def undo(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Undo the last change. Doing it twice undoes the undoing."""
        dashboard, expected = self.get(dashboard_id, Action.UPDATE), _expected(sent)
        try:
            with transaction():
                number = service.undo(dashboard, expected, current_member())
        except (StaleFormError, StaleDataError):
            return self._conflict(dashboard_id, {})
        return self._result(dashboard, RESTORED, texts.restored(number))

    # -- who sees it

    @expose("/<dashboard_id>/members")
    @endpoint("read", gives=MEMBERS, refusals=NOT_SEEN)
    def members(self, dashboard_id: str) -> Response:
        """List with whom a dashboard is shared, for those who may change that; others see themselves only."""
        return self.response(200, result=self._members(self.get(dashboard_id, Action.READ)))

    @expose("/<dashboard_id>/members", methods=["PUT"])
    @endpoint("share", takes=schemas.MembersInput, gives=MEMBERS, codes=(SHARED,), refusals=NOT_YOURS)
    def share(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Choose with whom a dashboard is shared: these members, and nobody else."""
        wanted = {each["username"]: each["role"] for each in sent["members"]}

        def share() -> Dashboard:
            dashboard = self.get(dashboard_id, Action.SHARE)
            service.share(dashboard, wanted)
            return dashboard

        dashboard = run_with_retry(share)
        return self.respond(200, SHARED, texts.shared(dashboard), result=self._members(dashboard))

    @expose("/<dashboard_id>/global", methods=["PUT"])
    @endpoint(
        "make_global",
        takes=schemas.GlobalInput,
        gives=schemas.DashboardDetails,
        codes=(MADE_GLOBAL,),
        refusals=NOT_YOURS,
    )
    def make_global(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Show a dashboard to everybody who may see dashboards, or no longer."""
        dashboard = self.get(dashboard_id, Action.MAKE_GLOBAL)
        with transaction():
            service.make_global(dashboard, is_global=sent["is_global"])
        return self._result(dashboard, MADE_GLOBAL, texts.made_global(dashboard))

    @expose("/<dashboard_id>/links")
    @endpoint("share", gives=LINKS, refusals=NOT_YOURS)
    def links(self, dashboard_id: str) -> Response:
        """List the links by which anybody sees a dashboard, the newest first."""
        found = links.of_dashboard(self.get(dashboard_id, Action.SHARE))
        return self.response(200, result=schemas.LinkSummary(many=True).dump(found))

    @expose("/<dashboard_id>/links", methods=["POST"])
    @endpoint(
        "share",
        takes=schemas.LinkInput,
        gives=schemas.NewLink,
        status=201,
        codes=(LINKED,),
        refusals={**NOT_YOURS, 409: "The dashboard has too many links"},
    )
    def create_link(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Create a link. It shows what one may see oneself, until it expires or is revoked."""
        dashboard = self.get(dashboard_id, Action.SHARE)
        with transaction():
            link, token = links.create(dashboard, current_member(), sent["days"])
        url = public_url("SharedDashboardView.show", token=token)
        result = {**schemas.LinkSummary().dump(link), "url": url}
        response = self.respond(201, LINKED, texts.link_created(), result=result)
        as_secret(response)
        return response

    @expose("/<dashboard_id>/links/<int:link_id>", methods=["DELETE"])
    @endpoint("share", codes=(REVOKED,), refusals=NOT_YOURS)
    def revoke_link(self, dashboard_id: str, link_id: int) -> Response:
        """Revoke a link."""
        dashboard = self.get(dashboard_id, Action.SHARE)
        with transaction():
            is_revoked = links.revoke(dashboard, link_id)
        if not is_revoked:
            abort(404)
        return self.respond(200, REVOKED, texts.link_revoked())

    @expose("/<dashboard_id>/weekly")
    @endpoint("read", gives=schemas.WeeklyInput, refusals=NOT_SEEN)
    def weekly(self, dashboard_id: str) -> Response:
        """Show whether one gets a dashboard by e-mail each week."""
        dashboard = self.get(dashboard_id, Action.READ)
        return self.response(200, result={"is_weekly": weekly.is_subscribed(dashboard, current_member())})

    @expose("/<dashboard_id>/weekly", methods=["PUT"])
    @endpoint(
        "read",
        takes=schemas.WeeklyInput,
        gives=schemas.WeeklyInput,
        codes=(SUBSCRIBED, UNSUBSCRIBED),
        refusals=NOT_SEEN,
    )
    def change_weekly(self, dashboard_id: str, sent: dict[str, Any]) -> Response:
        """Get a dashboard by e-mail each week, or no longer."""
        dashboard, is_wanted = self.get(dashboard_id, Action.READ), sent["is_weekly"]
        with transaction():
            (weekly.subscribe if is_wanted else weekly.cancel)(dashboard, current_member())
        if is_wanted:
            return self.respond(200, SUBSCRIBED, texts.subscribed(can_send=outbox.handles()), result=sent)
        return self.respond(200, UNSUBSCRIBED, texts.unsubscribed(), result=sent)

    def _members(self, dashboard: Dashboard) -> Any:
        is_told = self.may(Action.SHARE, dashboard)
        shown = [each for each in dashboard.members if is_told or each.member_id == current_member().id]
        return [{"username": each.member.username, "role": each.role} for each in shown]

    # -- requests and responses

    def dispatch(self, operation: Operation, call: Method) -> Response:
        """Refuse somebody without the permission in the words of the pages."""
        action = Action(operation.permission)
        if not self.has_permission(action):
            return self.respond(403, CODES[403], (str(texts.NO_ACCESS[action]), "danger"))

        def guarded(**sent: Any) -> Response:
            try:
                return call(**sent)
            except StaleDataError as error:
                db.session.rollback()
                raise DomainError(*texts.changed_meanwhile(), code=CHANGED_MEANWHILE) from error

        return super().dispatch(operation, guarded)

    @staticmethod
    def read_body(schema: type[Schema]) -> dict[str, Any]:
        """Return the validated JSON object of the request. What is ambiguous in JSON, such as equal names, is refused."""
        if not request.is_json:
            abort(400)
        try:
            body = configurations.read(request.get_data())
        except ConfigurationProblemsError as error:
            abort(_problems(error, 400))
        if not isinstance(body, dict):
            abort(400)
        values: dict[str, Any] = schema().load(body)
        return values

    def refuse(self, error: DomainError) -> Response:
        """Return the response for an error."""
        if isinstance(error, DashboardRefusedError):
            return self.respond(error.status, CODES[error.status], (str(error), error.category))
        if isinstance(error, ConfigurationProblemsError):
            return _problems(error, 422)
        return super().refuse(error)

    def _result(self, dashboard: Dashboard, code: str = "", flash: Flash | None = None) -> Response:
        result = schemas.DashboardDetails().dump(dashboard)
        response = self.respond(200, code, flash, result=result) if flash else self.response(200, result=result)
        response.set_etag(str(dashboard.version))
        return response

    def _new(self, dashboard: Dashboard, code: str, flash: Flash, **more: Any) -> Response:
        result = schemas.DashboardDetails().dump(dashboard)
        response = self.respond(201, code, flash, result=result, **more)
        response.headers["Location"] = url_for("DashboardApi.show", dashboard_id=dashboard.slug)
        response.set_etag(str(dashboard.version))
        return response

    def _conflict(self, dashboard_id: str, sent: Mapping[str, Any]) -> Response:
        """Return the fields whose stored and sent values differ."""
        db.session.rollback()
        db.session.expire_all()
        dashboard = self.get(dashboard_id, Action.UPDATE)
        stored = schemas.DashboardDetails().dump(dashboard)
        differing = {name: {"stored": stored[name], "sent": sent[name]} for name in sent if stored[name] != sent[name]}
        status = 412 if request.if_match else 409
        return self.respond(status, CHANGED_MEANWHILE, texts.changed_meanwhile(), conflict=differing, result=stored)


def _expected(sent: dict[str, Any]) -> int:
    """Return the version that the request is about, which is taken out of `sent`."""
    version = sent.pop("version", None)
    if version is None and request.if_match:
        # One that is no version is never that of the dashboard.
        version = next((number for tag in request.if_match.as_set() if (number := parse_int(tag))), 0)
    if version is None:
        raise DomainError(texts.VERSION_NEEDED, field="version")
    return int(version)


def _problems(error: ConfigurationProblemsError, status: int) -> Response:
    return DashboardApi.response(
        status,
        code=CODES[status],
        message=str(error),
        category=error.category,
        errors={"configuration": [problem.message for problem in error.problems]},
        problems=[asdict(problem) for problem in error.problems],
    )
