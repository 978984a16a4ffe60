"""The page on which hosts invite guests and see their answers."""

from typing import Any

from flask import abort, flash, make_response, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.address_key import address_key
from app.crud import flashes
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.errors import DomainError
from app.http import MAX_ID, as_secret, page_number, parse_int
from app.outbox.service import delivers
from app.parties import secret_links
from app.parties.access import BasePartyView, current_member
from app.parties.invitations import contacts, import_list
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations import service as invitation_service
from app.parties.invitations import texts as invitation_texts
from app.parties.invitations.forms import AddressForm, ContactsForm, InviteForm, ListForm
from app.parties.invitations.import_list import ColumnRole
from app.parties.invitations.import_preview import Selection, preview
from app.parties.invitations.lists.reader import Choices, Reading
from app.parties.invitations.lists.tables import MAX_COLUMNS, Role
from app.parties.models import DinnerParty, Invitation
from app.parties.texts import Flash

# Values of the buttons.
PREVIEW, INVITE, CHANGE = "check", "invite", "change"
STOP = "stop"
# The beginning of the names of fields that say what a column is.
COLUMN = "column-"
MAX_ROUND = 10**9
# A round that no invitation and no share link has.
NO_ROUND = -MAX_ROUND - 1
BACK = "InvitationsView.show", "slug"


class InvitationsView(BasePartyView):
    """The invitations of a party, for its hosts."""

    route_base = "/parties"
    default_view = "show"
    upload_methods = frozenset({"many"})

    # -- one guest, a list, contacts

    @expose("/<slug>/invitations", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def show(self, slug: str) -> BaseResponse | Flash:
        """Show the invitations. POST invites one guest."""
        party = self.get_hosted(slug)
        form = InviteForm(data=None if request.method == "POST" else _defaults(party))
        if not form.is_submitted():
            return self._page(party)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(party, 422, form=form)
        result = invitation_service.invite(party, current_member(), [form.entry], form.locale.data)
        return invitation_texts.invited(result)

    @expose("/<slug>/invitations/list", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def many(self, slug: str) -> BaseResponse | Flash:
        """Show what a list of guests would do, row by row; or, with the button below that preview, invite them."""
        party, form = self.get_hosted(slug), ListForm()
        action = request.form.get("action", PREVIEW)
        choices = _choices()
        try:
            reading = _read(form, choices)
        except DomainError as error:
            form.text.data = import_list.as_text(form.text.data or "", choices.sheet)
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(party, 422, list_form=form)
        if action == CHANGE:
            form.text.data = import_list.as_text(reading.carried, reading.sheet)
            flash(_("Nothing has been saved yet."), "info")
            return self._page(party, list_form=form)
        report = preview(party, current_member(), reading, _selection())
        if action == INVITE:
            result = invitation_service.invite(party, current_member(), report.entries, form.list_locale.data)
            return invitation_texts.invited(result, report.invalid)
        flash(_("Nothing has been saved yet. This is what will happen:"), "info")
        return make_response(
            self.render_template(
                "parties/invitation_import_preview.html", party=party, report=report, form=form, roles=ColumnRole
            )
        )

    @expose("/<slug>/invitations/contacts", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def contacts(self, slug: str) -> Flash:
        """Invite the chosen contacts of the address book."""
        party, form = self.get_hosted(slug), ContactsForm()
        keys = [key for key in map(parse_int, request.form.getlist("contact")) if key is not None]
        entries = contacts.select_entries(current_member(), keys)
        if not form.validate() or not entries:
            raise DomainError(_("Choose at least one person."), "warning")
        result = invitation_service.invite(party, current_member(), entries, form.contacts_locale.data)
        return invitation_texts.invited(result)

    @expose("/<slug>/invitations/contacts/<int:pk>/remove", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def forget(self, slug: str, pk: int) -> Flash:
        """Remove a contact from the host's address book."""
        self.get_hosted(slug)
        if pk <= MAX_ID and contacts.remove(current_member(), pk):
            return _("Removed from your address book."), "info"
        return _("Nothing changed: they were not in your address book."), "warning"

    # -- one invitation

    @expose("/<slug>/invitations/<int:pk>/again", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def again(self, slug: str, pk: int) -> Flash:
        """Send the guest a new personal link."""
        invitation = self._get_invitation(slug, pk)
        invitation_service.invite_again(invitation, expected_round=_round_of_form())
        return invitation_texts.invited_again(invitation)

    @expose("/<slug>/invitations/<int:pk>/address", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def correct(self, slug: str, pk: int) -> BaseResponse | Flash:
        """Correct an address that e-mails do not reach, and send the invitation there."""
        invitation = self._get_invitation(slug, pk)
        form = AddressForm(invitation)
        if form.validate():
            try:
                invitation_service.correct_address(invitation, str(form.email.data))
            except DomainError as error:
                if error.field is None:
                    raise
                show_at_field(form, error)
            else:
                return invitation_texts.corrected(invitation)
        flash(str(flashes.CORRECT_THE_FIELDS), "danger")
        return self._page(invitation.party, 422, address_forms={invitation.id: form})

    @expose("/<slug>/invitations/<int:pk>/revoke", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def revoke(self, slug: str, pk: int) -> Flash:
        """Withdraw the invitation."""
        invitation = self._get_invitation(slug, pk)
        invitation_service.revoke(invitation)
        return invitation_texts.revoked(invitation)

    @expose("/<slug>/invitations/<int:pk>/link", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def personal_link(self, slug: str, pk: int) -> BaseResponse:
        """Show the personal link of a guest to a host, who passes it on."""
        invitation = self._get_invitation(slug, pk)
        url = invitation_service.show_link(invitation)
        name = invitation.name or invitation.shown_email
        flash(_("This is the personal link of %(name)s. It is recorded that you looked at it.", name=name), "info")
        page = self.render_template(
            "parties/personal_link.html",
            party=invitation.party,
            invitation=invitation,
            url=url,
            qr_code=secret_links.qr_code(url),
        )
        return as_secret(make_response(page))

    # -- the share link

    @expose("/<slug>/invitations/link", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect(*BACK)
    def link(self, slug: str) -> Flash:
        """Create the share link, replace it by a new one, or switch it off."""
        party = self.get_hosted(slug)
        if request.form.get("action") == STOP:
            invitation_service.stop_share_link(party, expected_round=_round_of_form())
            return invitation_texts.share_link_stopped()
        invitation_service.renew_share_link(party, expected_round=_round_of_form())
        return invitation_texts.share_link_renewed(party)

    def _get_invitation(self, slug: str, pk: int) -> Invitation:
        party = self.get_hosted(slug)
        invitation = invitation_queries.find(party, pk) if pk <= MAX_ID else None
        if invitation is None:
            abort(404)
        return invitation

    def _page(self, party: DinnerParty, status: int = 200, **forms: Any) -> BaseResponse:
        """Return the page. `forms` are the submitted ones; the others are empty."""
        locale = invitation_service.default_locale(current_member())
        invited = invitation_queries.page(party, page_number())
        share_url = secret_links.share_url(party)
        address_forms = {
            row.invitation.id: AddressForm(row.invitation, formdata=None, data={"email": row.invitation.email})
            for row in invited.rows
            if row.problem
        }
        page = self.render_template(
            "parties/invitations.html",
            **{
                "party": party,
                "form": InviteForm(formdata=None, data=_defaults(party)),
                "list_form": ListForm(formdata=None, data={"list_locale": locale}),
                "contacts_form": ContactsForm(formdata=None, data={"contacts_locale": locale}),
                "closed": invitation_service.why_closed(party),
                "delivers": delivers(),
                "invited": invited,
                "contacts": contacts.suggestions(current_member(), party),
                "share_url": share_url,
                "share_qr_code": share_url and secret_links.qr_code(share_url),
                **forms,
                "address_forms": {**address_forms, **forms.get("address_forms", {})},
            },
        )
        return make_response(page, status)


def _defaults(party: DinnerParty) -> dict[str, Any]:
    return {"number": party.max_party, "locale": invitation_service.default_locale(current_member())}


def _read(form: ListForm, choices: Choices) -> Reading:
    """Return what was read of the file or the text. Raises DomainError if that is no list."""
    if not form.validate():
        raise DomainError(flashes.CORRECT_THE_FIELDS)
    return import_list.read(form.file.data.read() if form.file.data else form.text.data or "", choices)


def _choices() -> Choices:
    """Return what the host chose in the preview. Values that it does not offer are ignored."""
    sent = request.form
    columns = {name: parse_int(name.removeprefix(COLUMN), MAX_COLUMNS) for name in sent if name.startswith(COLUMN)}
    return Choices(
        encoding=sent.get("encoding", ""),
        was=sent.get("was", ""),
        sheet=parse_int(sent.get("sheet"), MAX_COLUMNS),
        roles={at: Role(sent[name]) for name, at in columns.items() if at is not None and sent[name] in set(Role)},
    )


def _selection() -> Selection:
    """Return whom the host leaves out, or invites although they would be left out."""
    return Selection(*(frozenset(map(address_key, request.form.getlist(field))) for field in ("leave", "include")))


def _round_of_form() -> int:
    """Return the round for which the page showed the button. That of a share link that is off is negative."""
    text = request.form.get("round", "")
    number = parse_int(text.removeprefix("-"), MAX_ROUND)
    if number is None:
        return NO_ROUND
    return -number if text.startswith("-") else number
