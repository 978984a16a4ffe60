"""Hosts write to their guests, and have them reminded."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from app.database import run_with_retry
from app.parties import idempotency
from app.parties.access import current_member
from app.parties.api_base import NOT_THE_HOST, PartyApiBase, endpoint
from app.parties.messages import reminders
from app.parties.messages import schemas as message_schemas
from app.parties.messages import service as message_service
from app.parties.messages.service import MessageDraft

QUEUED, SAVED = "queued", "saved"
REMINDERS = {"type": "array", "items": message_schemas.PlannedReminder}


class MessageApi(PartyApiBase):
    """What hosts write to their guests."""

    @expose("/<slug>/messages")
    @endpoint("host", gives={"type": "array", "items": message_schemas.Message}, refusals=NOT_THE_HOST)
    def list(self, slug: str) -> Response:
        """List what was written, the latest first."""
        written = message_service.history(self.get_hosted(slug))
        return self.response(200, result=message_schemas.Message(many=True).dump(written))

    @expose("/<slug>/messages", methods=["POST"])
    @endpoint(
        "host",
        takes=message_schemas.MessageInput,
        gives=message_schemas.Message,
        codes=(QUEUED,),
        parameters=(idempotency.PARAMETER,),
        refusals={**NOT_THE_HOST, 409: "It is a draft, or too much was written today"},
    )
    def send(self, slug: str, sent: dict[str, Any]) -> Response:
        """Write to guests by what they answered. The same message within a minute is written once."""
        party = self.get_hosted(slug)
        key = idempotency.asked_for(current_member()).asked[0]
        draft = MessageDraft(sent["subject"], sent["text"], tuple(sent["audiences"]), sent["with_address"], key)
        message = run_with_retry(lambda: message_service.send(party, current_member(), draft))
        text = ngettext("Message queued for %(num)d guest.", "Message queued for %(num)d guests.", message.recipients)
        return self.respond(200, QUEUED, (text, "info"), result=message_schemas.Message().dump(message))

    @expose("/<slug>/remind", methods=["POST"])
    @endpoint("host", codes=(QUEUED,), refusals={**NOT_THE_HOST, 409: "Nobody is silent, or all were reminded today"})
    def remind(self, slug: str) -> Response:
        """Remind those who were invited and have not answered, each of them once a day at most."""
        party = self.get_hosted(slug)
        reminded = run_with_retry(lambda: reminders.remind_not_answered(party))
        text = ngettext(
            "Reminder queued for %(num)d person who has not answered.",
            "Reminder queued for %(num)d people who have not answered.",
            reminded,
        )
        return self.respond(200, QUEUED, (text, "info"))

    @expose("/<slug>/reminders")
    @endpoint("host", gives=REMINDERS, refusals=NOT_THE_HOST)
    def list_reminders(self, slug: str) -> Response:
        """List when guests are reminded."""
        planned = reminders.planned(self.get_hosted(slug))
        return self.response(200, result=message_schemas.PlannedReminder(many=True).dump(planned))

    @expose("/<slug>/reminders", methods=["PUT"])
    @endpoint("host", takes=message_schemas.RemindersInput, gives=REMINDERS, codes=(SAVED,), refusals=NOT_THE_HOST)
    def change_reminders(self, slug: str, sent: dict[str, Any]) -> Response:
        """Replace when guests are reminded."""
        party = self.get_hosted(slug)
        run_with_retry(
            lambda: reminders.change(party, [(each["kind"], each["hours_before"]) for each in sent["reminders"]])
        )
        shown = message_schemas.PlannedReminder(many=True).dump(reminders.planned(party))
        return self.respond(200, SAVED, (_("Reminders saved."), "info"), result=shown)
