"""The pages on which hosts write to guests and set reminders."""

import re
import secrets
from collections.abc import Mapping, Sequence

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.rate_limits import per_address
from app.crud import flashes
from app.crud.fields import show_at_field
from app.crud.form_rows import ROW_BUTTON, rearrange
from app.database import run_with_retry
from app.errors import DomainError
from app.http import allow_styles
from app.i18n import locales
from app.parties import live
from app.parties.access import BasePartyView, current_member, login_or_invitation_required
from app.parties.enums import Audience, ReminderKind
from app.parties.messages import questions, reminders
from app.parties.messages import service as message_service
from app.parties.messages import texts as message_texts
from app.parties.messages.forms import EVERYONE, MessageForm, QuestionForm, RemindersForm
from app.parties.messages.models import MAX_REMINDERS, GuestMessage
from app.parties.messages.reminders import PlannedReminder
from app.parties.messages.rules import DAY, in_units
from app.parties.messages.service import MessageDraft, Preview
from app.parties.models import DinnerParty
from app.parties.optimistic_lock import StaleFormError

# The stylesheet in the HTML of an e-mail.
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
# A row that the host adds.
BLANK = {"kind": ReminderKind.BEFORE_START, "amount": "1", "unit": str(DAY)}


class QuestionView(BasePartyView):
    """The page on which guests write to the hosts."""

    route_base = "/parties"
    default_view = "ask"
    # Each question is an e-mail to each host.
    limits = [per_address("QuestionView.ask", "20 per hour")]

    @expose("/<slug>/ask", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def ask(self, slug: str) -> BaseResponse:
        """Show the form. POST sends the question."""
        party, guest, rsvp = self.get_answerable(slug)
        form = QuestionForm()
        try:
            questions.refuse(party, is_host=self.is_host(party))
            if form.validate_on_submit():
                text, key = form.text.data, form.key.data or ""
                hosts = run_with_retry(lambda: questions.ask(party, guest, rsvp, text, key))
                flash(*message_texts.question_queued(hosts))
                return redirect(url_for("PartyView.show", slug=slug), 303)
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("PartyView.show", slug=slug), 303)
        if form.is_submitted():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
        form.key.data = form.key.data or secrets.token_urlsafe()
        page = self.render_template(
            "parties/ask.html",
            form=form,
            party=party,
            reply_way=questions.reply_way(guest, rsvp),
            email=guest.shown_email,
        )
        return make_response(page, 422 if form.is_submitted() else 200)


class MessageView(BasePartyView):
    """Messages and reminders of a party, for its hosts."""

    route_base = "/parties"
    default_view = "write"

    # -- messages

    @expose("/<slug>/write", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def write(self, slug: str) -> BaseResponse:
        """Write a message to guests. It can be previewed, with the number of recipients."""
        party = self.get_hosted(slug)
        counts = message_service.counts(party, current_member())
        form = _message_form(counts)
        if not form.is_submitted():
            return self._write_page(party, form, counts)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._write_page(party, form, counts, status=422)
        selected = form.audiences.data
        draft = MessageDraft(
            subject=form.subject.data,
            text=form.text.data,
            audiences=tuple(audience for audience in Audience if EVERYONE in selected or audience in selected),
            with_address=form.with_address.data,
            key=form.key.data or "",
        )
        if request.form.get("action") == "preview":
            return self._preview(party, form, counts, draft)
        try:
            message = run_with_retry(lambda: message_service.send(party, current_member(), draft))
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._write_page(party, form, counts, status=422)
        flash(*message_texts.message_queued(message))
        return redirect(url_for("MessageView.write", slug=slug), 303)

    @expose("/<slug>/write/live")
    @has_access
    @permission_name("host")
    def live(self, slug: str) -> BaseResponse:
        """Return the messages so far, if more of their e-mails have been written."""
        party = self.get_hosted(slug)
        history = message_service.history(party)
        return live.respond(
            _version(history),
            lambda: render_template(
                "parties/_messages.html", party=party, history=history, audiences=Audience.labels()
            ),
        )

    def _preview(
        self, party: DinnerParty, form: MessageForm, counts: Mapping[str, int], draft: MessageDraft
    ) -> BaseResponse:
        previews = message_service.previews(party, current_member(), draft)
        recipients = sum(preview.number for preview in previews)
        text = ngettext(
            "Nothing has been sent yet. This message would go to %(num)d guest.",
            "Nothing has been sent yet. This message would go to %(num)d guests.",
            recipients,
        )
        flash(text, "info" if recipients else "warning")
        response = self._write_page(party, form, counts, previews=previews)
        styles = {style for preview in previews for style in STYLE.findall(preview.email.html)}
        return allow_styles(response, styles)

    def _write_page(
        self,
        party: DinnerParty,
        form: MessageForm,
        counts: Mapping[str, int],
        *,
        previews: Sequence[Preview] = (),
        status: int = 200,
    ) -> BaseResponse:
        history = message_service.history(party)
        page = self.render_template(
            "parties/message_form.html",
            party=party,
            form=form,
            counts=counts,
            audiences=Audience.labels(),
            previews=previews,
            locale_names=locales.LanguageNames(),
            history=history,
            # The page renews itself while e-mails are being written.
            history_version=_version(history) if any(message.unwritten for message in history) else "",
        )
        return make_response(page, status)

    # -- reminders

    @expose("/<slug>/remind", methods=["POST"])
    @has_access
    @permission_name("host")
    def remind(self, slug: str) -> BaseResponse:
        """Remind invited guests who have not answered."""
        party = self.get_hosted(slug)
        try:
            count = run_with_retry(lambda: reminders.remind_not_answered(party))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*message_texts.not_answered_reminded(count))
        # Several pages have the button.
        back = self.back_url()
        return redirect(back if back != self._home() else url_for("MessageView.write", slug=party.slug), 303)

    @expose("/<slug>/reminders", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def reminders(self, slug: str) -> BaseResponse:
        """Show the reminders. POST replaces them."""
        party = self.get_hosted(slug)
        planned = reminders.planned(party)
        seen = reminders.reminders_fingerprint(planned)
        if request.method != "POST":
            return self._reminders_page(party, RemindersForm(data={"reminders": _rows(planned), "seen": seen}), planned)
        if ROW_BUTTON in request.form:
            command = request.form[ROW_BUTTON]
            form = RemindersForm(rearrange(request.form, "reminders", command, blank=BLANK, most=MAX_REMINDERS))
            flash(str(flashes.NOTHING_SAVED), "info")
            return self._reminders_page(party, form, planned)
        form = RemindersForm()
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._reminders_page(party, form, planned, status=422)
        rows = [row.form for row in form.reminders]
        wanted = [(row.kind.data, row.hours_before) for row in rows if row.hours_before]
        try:
            run_with_retry(lambda: reminders.change(party, wanted, expected=form.seen.data or ""))
        except StaleFormError as error:
            flash(str(error), error.category)
            planned = reminders.planned(self.get_hosted(slug))
            form.seen.data = reminders.reminders_fingerprint(planned)
            return self._reminders_page(party, form, planned, status=409)
        flash(*message_texts.reminders_saved())
        return redirect(url_for("MessageView.reminders", slug=slug), 303)

    def _reminders_page(
        self, party: DinnerParty, form: RemindersForm, planned: list[PlannedReminder], *, status: int = 200
    ) -> BaseResponse:
        page = self.render_template(
            "parties/reminders.html", party=party, form=form, planned=planned, before=message_texts.before
        )
        return make_response(page, status)


def _message_form(counts: Mapping[str, int]) -> MessageForm:
    """Return the form, with the number of guests in each audience."""
    form = MessageForm(
        data={"audiences": [Audience.COMING], "key": secrets.token_hex(16)} if request.method == "GET" else None
    )
    named = {**Audience.labels(), EVERYONE: _("Everyone")}
    numbers = {**counts, EVERYONE: sum(counts.values())}
    form.audiences.choices = [
        (key, _("%(audience)s: %(number)d", audience=str(name), number=numbers[key])) for key, name in named.items()
    ]
    return form


def _version(history: Sequence[GuestMessage]) -> str:
    return live.version_of([(message.id, len(message.unwritten)) for message in history])


def _rows(planned: list[PlannedReminder]) -> list[dict[str, object]]:
    """Return the reminders as rows of the form."""
    return [
        dict(zip(("amount", "unit"), in_units(each.reminder.hours_before), strict=True), kind=each.reminder.kind)
        for each in planned
    ]
