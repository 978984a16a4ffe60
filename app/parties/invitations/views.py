"""Whom a host invites: the page from which letters go out, and what became of them."""

from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.database import run_with_retry
from app.errors import Category, DomainError
from app.http import public_url
from app.i18n import locales
from app.outbox.service import delivers
from app.parties import secret_links
from app.parties.access import BasePartyView, current_member
from app.parties.invitations import contacts, import_list
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations import service as invitation_service
from app.parties.invitations.forms import ContactsForm, InviteForm, ListForm
from app.parties.invitations.import_list import ImportEntry
from app.parties.invitations.import_preview import preview
from app.parties.invitations.rules import InvitationState
from app.parties.invitations.service import InviteResult
from app.parties.models import DinnerParty, Invitation
from app.parties.queries import MAX_ID

STATES = {
    InvitationState.WAITING: lazy_gettext("Not sent yet"),
    InvitationState.SENT: lazy_gettext("Invitation sent"),
    InvitationState.OPENED: lazy_gettext("Link was opened"),
    InvitationState.REMINDED: lazy_gettext("Reminder sent"),
    InvitationState.ANSWERED: lazy_gettext("Has answered"),
    InvitationState.REVOKED: lazy_gettext("Invitation withdrawn"),
}
CHECK, INVITE, CHANGE = "check", "invite", "change"
STOP = "stop"
NO_NUMBER = -(10**9)


class InvitationsView(BasePartyView):
    """The invitations of a party, for its hosts."""

    route_base = "/parties"
    default_view = "show"

    # -- one, many, and those of before

    @expose("/<slug>/invitations", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> BaseResponse:
        """Show who is invited; POST invites one more."""
        party = self.get_hosted(slug)
        form = InviteForm(data=None if request.method == "POST" else {"number": party.max_party, "locale": _language()})
        if not form.is_submitted():
            return self._page(party)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(party, 422, form=form)
        return self._invite(party, [form.who], form.locale.data)

    @expose("/<slug>/invitations/list", methods=["POST"])
    @has_access
    @permission_name("host")
    def many(self, slug: str) -> BaseResponse:
        """Show what a list would do, line by line; nothing is stored before the button below that is pressed."""
        party, form = self.get_hosted(slug), ListForm()
        asked = request.form.get("action", CHECK)
        try:
            text = _text_of(form)
            if asked == CHANGE:
                form.text.data = text
                flash(_("Nothing has been saved yet."), "info")
                return self._page(party, list_form=form)
            report = preview(party, current_member(), import_list.read(text))
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(party, 422, list_form=form)
        if asked == INVITE:
            return self._invite(party, report.entries, form.list_locale.data, bad=report.bad)
        flash(_("Nothing has been saved yet. This is what will happen:"), "info")
        return make_response(
            self.render_template("parties/invitations_list.html", party=party, report=report, form=form, text=text)
        )

    @expose("/<slug>/invitations/contacts", methods=["POST"])
    @has_access
    @permission_name("host")
    def contacts(self, slug: str) -> BaseResponse:
        """Invite those who were chosen from the address book."""
        party, form = self.get_hosted(slug), ContactsForm()
        entries = contacts.chosen(current_member(), _keys(request.form.getlist("contact")))
        if form.validate() and entries:
            return self._invite(party, entries, form.contacts_locale.data)
        flash(_("Choose at least one person."), "warning")
        return self._back(party)

    @expose("/<slug>/invitations/contacts/<int:pk>/remove", methods=["POST"])
    @has_access
    @permission_name("host")
    def forget(self, slug: str, pk: int) -> BaseResponse:
        """Take somebody out of one's own address book."""
        party = self.get_hosted(slug)
        if pk <= MAX_ID and run_with_retry(lambda: contacts.forget(current_member(), pk)):
            flash(_("Removed from your address book."), "info")
        else:
            flash(_("Nothing changed: they were not in your address book."), "warning")
        return self._back(party)

    # -- one invitation

    @expose("/<slug>/invitations/<int:pk>/again", methods=["POST"])
    @has_access
    @permission_name("host")
    def again(self, slug: str, pk: int) -> BaseResponse:
        """Invite somebody again, with a new link."""
        party, invitation = self._one(slug, pk)
        try:
            run_with_retry(lambda: invitation_service.invite_again(invitation, seen=_number("round")))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            text = _("%(name)s was invited again. Earlier links no longer work.", name=str(invitation))
            flash(text, "info")
        return self._back(party)

    @expose("/<slug>/invitations/<int:pk>/revoke", methods=["POST"])
    @has_access
    @permission_name("host")
    def revoke(self, slug: str, pk: int) -> BaseResponse:
        """Take an invitation back."""
        party, invitation = self._one(slug, pk)
        try:
            run_with_retry(lambda: invitation_service.revoke(invitation))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(_("The invitation for %(name)s was withdrawn.", name=str(invitation)), "info")
        return self._back(party)

    # -- the share link

    @expose("/<slug>/invitations/link", methods=["POST"])
    @has_access
    @permission_name("host")
    def link(self, slug: str) -> BaseResponse:
        """Make the share link, make it anew, or let it open nothing any more."""
        party = self.get_hosted(slug)
        seen, stops = _number("round"), request.form.get("action") == STOP
        act = invitation_service.stop_share_link if stops else invitation_service.renew_share_link
        try:
            run_with_retry(lambda: act(party, seen=seen))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            made = _("Anyone with the new link can see this party and answer. Earlier links no longer work.")
            flash(_("The link no longer works.") if stops else made, "info")
        return self._back(party)

    # -- inside

    def _one(self, slug: str, pk: int) -> tuple[DinnerParty, Invitation]:
        party = self.get_hosted(slug)
        invitation = invitation_queries.find(party, pk) if pk <= MAX_ID else None
        if invitation is None:
            abort(404)
        return party, invitation

    def _invite(self, party: DinnerParty, entries: list[ImportEntry], locale: str, *, bad: int = 0) -> BaseResponse:
        try:
            count = run_with_retry(lambda: invitation_service.invite(party, current_member(), entries, locale))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*counted(count, bad))
        return self._back(party)

    @staticmethod
    def _back(party: DinnerParty) -> BaseResponse:
        return redirect(url_for("InvitationsView.show", slug=party.slug), 303)

    def _page(self, party: DinnerParty, status: int = 200, **forms: Any) -> BaseResponse:
        """Return the page; of its forms, those that were not sent are empty."""
        form = InviteForm(formdata=None, data={"number": party.max_party, "locale": _language()})
        list_form = ListForm(formdata=None, data={"list_locale": _language()})
        contacts_form = ContactsForm(formdata=None, data={"contacts_locale": _language()})
        found = invitation_queries.page(party, _page_number())
        page = self.render_template(
            "parties/invitations.html",
            **{
                "party": party,
                "form": form,
                "list_form": list_form,
                "contacts_form": contacts_form,
                "closed": invitation_service.why_closed(party),
                "delivers": delivers(),
                "invited": found,
                "states": {row.invitation.id: _state(row) for row in found.rows},
                "contacts": contacts.suggestions(current_member(), party),
                "share_url": _share_url(party),
                **forms,
            },
        )
        return make_response(page, status)


def _state(row: invitation_queries.InvitedGuest) -> object:
    return STATES[
        InvitationState.of(
            sent_at=row.invitation.sent_at,
            opened_at=row.invitation.opened_at,
            reminded_at=row.invitation.reminded_at,
            revoked_at=row.invitation.revoked_at,
            is_answered=row.rsvp is not None,
        )
    ]


def counted(count: InviteResult, bad: int) -> tuple[str, Category]:
    """Return what a host reads after people were invited."""
    if count.late and not count.added:
        return str(_too_many(count)), "warning"
    text = _(
        "%(added)d invited, %(skipped)d already invited, %(bad)d invalid addresses.",
        added=count.added,
        skipped=count.skipped,
        bad=bad,
    )
    if count.late:
        return f"{text} {_too_many(count)}", "warning"
    return text, "warning" if count.skipped or bad else "info"


def _too_many(count: InviteResult) -> str:
    return ngettext(
        "%(num)d invitation exceeds the daily limit. Continue tomorrow.",
        "%(num)d invitations exceed the daily limit. Continue tomorrow.",
        count.late,
    )


def _text_of(form: ListForm) -> str:
    """Return the list that was sent: a file, or what was typed. Raises DomainError when it cannot be read."""
    if not form.validate():
        raise DomainError(flashes.CORRECT_THE_FIELDS)
    if form.file.data:
        return import_list.plain(import_list.decode(form.file.data.read()))
    return import_list.plain(form.text.data or "")


def _share_url(party: DinnerParty) -> str:
    if party.share_round <= 0:
        return ""
    return public_url("JoinView.link", slug=party.slug, token=secret_links.share_token(party))


def _language() -> str:
    """Return the language of whoever is asking: most people invite those who speak it."""
    return (locales.match(current_member().locale) or locales.default()).key


def _keys(texts: list[str]) -> list[int]:
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))]
    return [number for number in numbers if number <= MAX_ID]


def _number(name: str) -> int:
    """Return a number of the form, such as the round that was on the page; what is none matches nothing."""
    text = request.form.get(name, "")
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < len(str(MAX_ID))
    return int(text) if is_number and text.count("-") <= 1 else NO_NUMBER


def _page_number() -> int:
    text = request.args.get("page", "1")[:6]
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1
