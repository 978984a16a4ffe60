"""Hosts write to their guests, and have them reminded."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from app.database import run_with_retry
from app.parties.api import idempotency, request_schemas, response_schemas
from app.parties.api.base import NOT_YOURS, TableApi, verb
from app.parties.service import reminders, writing
from app.parties.service.writing import Draft
from app.parties.views.access import me

QUEUED, SAVED = "queued", "saved"
REMINDERS = {"type": "array", "items": response_schemas.PlannedReminder}


class MessageApi(TableApi):
    """What hosts write to their guests."""

    @expose("/<slug>/messages")
    @verb("host", gives={"type": "array", "items": response_schemas.Message}, refusals=NOT_YOURS)
    def list(self, slug: str) -> Response:
        """List what was written, the latest first."""
        written = writing.history(self.hosted(slug))
        return self.response(200, result=response_schemas.Message(many=True).dump(written))

    @expose("/<slug>/messages", methods=["POST"])
    @verb(
        "host",
        takes=request_schemas.MessageSent,
        gives=response_schemas.Message,
        codes=(QUEUED,),
        parameters=(idempotency.PARAMETER,),
        refusals={**NOT_YOURS, 409: "It is a draft, or too much was written today"},
    )
    def send(self, slug: str, sent: dict[str, Any]) -> Response:
        """Write to guests by what they answered. The same message within a minute is written once."""
        party = self.hosted(slug)
        key = idempotency.asked_for(me()).asked[0]
        draft = Draft(sent["subject"], sent["text"], tuple(sent["audiences"]), sent["with_address"], key)
        message = run_with_retry(lambda: writing.send(party, me(), draft))
        text = ngettext("Message queued for %(num)d guest.", "Message queued for %(num)d guests.", message.recipients)
        return self.say(200, QUEUED, (text, "info"), result=response_schemas.Message().dump(message))

    @expose("/<slug>/remind", methods=["POST"])
    @verb("host", codes=(QUEUED,), refusals={**NOT_YOURS, 409: "Nobody is silent, or all were reminded today"})
    def remind(self, slug: str) -> Response:
        """Remind those who were invited and have not answered, each of them once a day at most."""
        party = self.hosted(slug)
        reminded = run_with_retry(lambda: reminders.remind_silent(party))
        text = ngettext(
            "Reminder queued for %(num)d person who has not answered.",
            "Reminder queued for %(num)d people who have not answered.",
            reminded,
        )
        return self.say(200, QUEUED, (text, "info"))

    @expose("/<slug>/reminders")
    @verb("host", gives=REMINDERS, refusals=NOT_YOURS)
    def list_reminders(self, slug: str) -> Response:
        """List when guests are reminded."""
        planned = reminders.planned(self.hosted(slug))
        return self.response(200, result=response_schemas.PlannedReminder(many=True).dump(planned))

    @expose("/<slug>/reminders", methods=["PUT"])
    @verb("host", takes=request_schemas.RemindersSent, gives=REMINDERS, codes=(SAVED,), refusals=NOT_YOURS)
    def change_reminders(self, slug: str, sent: dict[str, Any]) -> Response:
        """Replace when guests are reminded."""
        party = self.hosted(slug)
        run_with_retry(
            lambda: reminders.change(party, [(each["kind"], each["hours_before"]) for each in sent["reminders"]])
        )
        shown = response_schemas.PlannedReminder(many=True).dump(reminders.planned(party))
        return self.say(200, SAVED, (_("The reminders are saved."), "info"), result=shown)
