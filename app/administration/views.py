"""The home of administrators."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import abort, jsonify, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user

from app import clock
from app.administration import queries, search, versions
from app.crud import sidebar
from app.crud.list_arguments import MAX_SEARCH_LENGTH
from app.crud.sidebar import Link
from app.crud.views import BaseView, ask_to_log_in
from app.extensions import appbuilder_of
from app.i18n import formats
from app.outbox import service as outbox_service
from app.outbox.admin import OutboxEmailModelView
from app.parties.hosting.admin import DinnerPartyModelView

# An e-mail that waits for longer is a sign that the worker or the mail server does not work.
LATE = timedelta(minutes=15)


class ManageView(BaseView):
    """The first page of whoever may open something of the administration. Each part of it needs the permission of its list."""

    route_base = "/manage"
    default_view = "home"
    is_managed = True
    list_title = lazy_gettext("Overview")

    @expose("/")
    def home(self) -> Any:
        """Show what waits, the next dinners, whether e-mail is sent, and the versions."""
        if not current_user.is_authenticated:
            return ask_to_log_in()
        links = [link for group in sidebar.groups() for link in group.links]
        if not links:
            abort(403)
        parties, emails = _view(DinnerPartyModelView), _view(OutboxEmailModelView)
        return self.render_template(
            "administration/home.html",
            waiting=list(_waiting(links)),
            parties=queries.next_parties() if parties.may("list") else None,
            may_show_parties=parties.may("show"),
            mail=_mail_state() if emails.may("list") else None,
            versions=list(versions.all_versions()) if emails.may("list") else None,
        )

    @expose("/search")
    def search(self) -> Any:
        """Find pages, parties and members by name: as a page, or as JSON for the palette."""
        if not current_user.is_authenticated:
            return ask_to_log_in()
        if not sidebar.groups():
            abort(403)
        text = request.args.get("q", "")
        hits = search.find(text)
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            return jsonify([asdict(hit) for hit in hits])
        return self.render_template(
            "administration/search.html", text=text[:MAX_SEARCH_LENGTH], hits=hits, most=MAX_SEARCH_LENGTH
        )


def _view(kind: type) -> Any:
    return next(view for view in appbuilder_of().baseviews if type(view) is kind)


def _waiting(links: list[Link]) -> Iterator[tuple[str, str]]:
    """Yield what waits for the member as a sentence, and the URL of its list."""
    counts = sidebar.waiting_counts()
    for link in links:
        count = counts.get(link.view.endpoint, 0) if link.view is not None else 0
        if count and link.view.may("list"):
            waiting = link.view.waiting
            query = f"?{waiting.query}" if waiting.query else ""
            yield str(waiting.sentence(min(count, sidebar.MOST))), url_for(f"{link.view.endpoint}.list") + query


def _mail_state() -> tuple[str, str]:
    """Return the category and the text of how e-mail is doing."""
    if outbox_service.suppresses():
        return "warning", _("MAIL_SUPPRESS_SEND is set: no e-mail leaves this site.")
    if not outbox_service.delivers():
        return "warning", _(
            "No mail server is set: e-mails wait in the outbox, and nobody gets them. Set MAIL_SERVER and MAIL_FROM."
        )
    due = queries.oldest_due_email()
    if due is None or clock.now() - due.since < LATE:
        return "good", _("E-mails are being sent.")
    since = formats.date_time(due.since)
    if due.last_error:
        return "danger", _(
            "E-mails wait since %(moment)s. The mail server said: %(reason)s", moment=since, reason=due.last_error
        )
    return "danger", _("E-mails wait since %(moment)s: the background worker does not seem to run.", moment=since)
