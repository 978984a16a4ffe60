"""The guest list of a party, for its hosts."""

from collections.abc import Callable, Sequence

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud.csv import attached
from app.crud.fields import clean_line
from app.database import run_with_retry
from app.errors import DomainError
from app.http import own_path, page_number, parse_int, safe_next
from app.parties.access import BasePartyView
from app.parties.attendance import service as attendance_service
from app.parties.enums import NOTIFIED
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps import approval, guest_list, guest_list_csv, guest_list_texts
from app.parties.texts import Flash

ANSWER = "<int(max=2147483647):answer_id>"
APPROVE, REMOVE = "approve", "remove"
MAX_SEARCH_LENGTH = 100


class GuestListView(BasePartyView):
    """The guests of a party, as its hosts see them."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/guests")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """List the guests by group."""
        party = self.get_hosted(slug)
        group, text = request.args.get("group", ""), search_text()
        return str(
            self.render_template(
                "parties/guest_list.html",
                party=party,
                page=guest_list.page(party, page_number(), group=group, text=text),
                totals=guest_list.totals(party),
                groups=guest_list.GROUPS,
                group=group if group in guest_list.GROUPS else "",
                text=text,
                removable=NOTIFIED if party.is_open else (),
                removing=guest_list_texts.removing(),
                is_over=party.ends_at <= clock.now(),
            )
        )

    @expose("/<slug>/guests.csv")
    @has_access
    @permission_name("host")
    def csv(self, slug: str) -> BaseResponse:
        """Return the guest list as a CSV file."""
        party = self.get_hosted(slug)
        return attached(f"{party.slug}-{clock.now():%Y-%m-%d}", guest_list_csv.csv_lines(guest_list.all_entries(party)))

    # -- requests

    @expose(f"/<slug>/guests/{ANSWER}/approve", methods=["POST"])
    @has_access
    @permission_name("host")
    def approve(self, slug: str, answer_id: int) -> BaseResponse:
        """Approve a request for seats."""
        _party, rsvp = self._guest(slug, answer_id)
        return self._flash_and_return(slug, lambda: guest_list_texts.approved(approval.approve(rsvp)))

    @expose(f"/<slug>/guests/{ANSWER}/decline", methods=["POST"])
    @has_access
    @permission_name("host")
    def decline(self, slug: str, answer_id: int) -> BaseResponse:
        """Decline a request for seats."""
        _party, rsvp = self._guest(slug, answer_id)

        def act() -> Flash:
            approval.decline(rsvp)
            return guest_list_texts.declined(rsvp)

        return self._flash_and_return(slug, act)

    # -- removing

    @expose(f"/<slug>/guests/{ANSWER}/remove", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def remove(self, slug: str, answer_id: int) -> BaseResponse:
        """Ask for confirmation; POST removes the guest."""
        _party, rsvp = self._guest(slug, answer_id)
        if request.method == "POST":
            return self._flash_and_return(slug, lambda: guest_list_texts.removed(rsvp, approval.remove(rsvp)))
        return self._confirmation_page(
            slug,
            title=_("Remove %(name)s?", name=str(rsvp)),
            message=guest_list_texts.removing(),
        )

    @expose("/<slug>/guests/chosen", methods=["POST"])
    @has_access
    @permission_name("host")
    def chosen(self, slug: str) -> BaseResponse:
        """Approve or remove the selected guests. Removing asks for confirmation first."""
        party = self.get_hosted(slug)
        keys = {key for key in map(parse_int, request.form.getlist("rowid")) if key is not None}
        rsvps = approval.select_of_party(party, keys)
        action = request.form.get("action")
        if not rsvps:
            flash(_("Select at least one row."), "warning")
            return redirect(self._back(slug), 303)
        if action == APPROVE:
            return self._flash_and_return(
                slug, lambda: guest_list_texts.all_approved(approval.approve_all(party, rsvps))
            )
        if action != REMOVE:
            abort(404)
        if "sure" in request.form:
            return self._flash_and_return(slug, lambda: guest_list_texts.all_removed(approval.remove_all(party, rsvps)))
        question = ngettext("Remove %(num)d guest?", "Remove %(num)d guests?", len(rsvps))
        flash(_("One more step: review your selection."), "info")
        return self._confirmation_page(
            slug,
            title=question,
            message=guest_list_texts.removing(),
            items=rsvps,
            fields=[("action", REMOVE), ("sure", "y"), *(("rowid", rsvp.id) for rsvp in rsvps)],
        )

    # -- after the party

    @expose(f"/<slug>/guests/{ANSWER}/missed", methods=["POST"])
    @has_access
    @permission_name("host")
    def missed(self, slug: str, answer_id: int) -> BaseResponse:
        """Mark a guest as a no-show."""
        party, rsvp = self._guest(slug, answer_id)

        def act() -> Flash:
            attendance_service.mark_no_show(party, rsvp)
            return _("%(name)s was marked as a no-show. Their seats are free again.", name=str(rsvp)), "info"

        return self._flash_and_return(slug, act)

    @expose("/<slug>/guests/missed", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def all_missed(self, slug: str) -> BaseResponse:
        """Ask for confirmation; POST marks all guests who were not checked in as no-shows."""
        party = self.get_hosted(slug)
        if request.method == "POST":
            return self._flash_and_return(
                slug, lambda: guest_list_texts.all_no_show(attendance_service.mark_all_no_show(party))
            )
        return self._confirmation_page(
            slug,
            title=_("Mark everyone else as a no-show?"),
            message=_("All guests who were not checked in will be marked as no-shows."),
        )

    @expose(f"/<slug>/guests/{ANSWER}/came", methods=["POST"])
    @has_access
    @permission_name("host")
    def came(self, slug: str, answer_id: int) -> BaseResponse:
        """Undo a no-show."""
        party, rsvp = self._guest(slug, answer_id)

        def act() -> Flash:
            attendance_service.undo_no_show(party, rsvp)
            return _("%(name)s is no longer marked as a no-show.", name=str(rsvp)), "info"

        return self._flash_and_return(slug, act)

    # -- inside

    def _guest(self, slug: str, answer_id: int) -> tuple[DinnerParty, Rsvp]:
        party = self.get_hosted(slug)
        found = approval.select_of_party(party, [answer_id])
        if not found:
            abort(404)
        return party, found[0]

    def _flash_and_return(self, slug: str, act: Callable[[], Flash]) -> BaseResponse:
        try:
            message = run_with_retry(act)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*message)
        return redirect(self._back(slug), 303)

    def _confirmation_page(
        self,
        slug: str,
        *,
        title: str,
        message: str,
        items: Sequence[Rsvp] = (),
        fields: Sequence[tuple[str, object]] = (),
    ) -> BaseResponse:
        """Show a page that asks for confirmation. Its form is sent to the same URL."""
        back = self._back(slug)
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=title,
            message=message,
            items=items,
            action=own_path(),
            back=back,
            fields=[*fields, ("next", back)],
        )
        return make_response(page)

    @staticmethod
    def _back(slug: str) -> str:
        """Return the URL of the list as the host left it."""
        shown = url_for("GuestListView.show", slug=slug)
        asked = safe_next(request.values.get("next"), shown)
        return asked if asked.partition("?")[0] == shown else shown


def search_text() -> str:
    """Return what the reader searches for."""
    return (clean_line(request.args.get("q")) or "")[:MAX_SEARCH_LENGTH]
