"""The members' API for messages and reminders."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.database import run_with_retry
from app.parties import idempotency
from app.parties.access import current_member
from app.parties.api_base import FINGERPRINT_FIELD, NOT_THE_HOST, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.messages import questions, reminders
from app.parties.messages import schemas as message_schemas
from app.parties.messages import service as message_service
from app.parties.messages import texts as message_texts
from app.parties.messages.service import MessageDraft
from app.parties.models import DinnerParty

QUEUED, SAVED = "queued", "saved"
REMINDERS = {"type": "array", "items": message_schemas.PlannedReminder}


class MessageApi(PartyApiBase):
    """Messages and reminders of a party, for its hosts."""

    @expose("/<slug>/messages")
    @endpoint("host", gives={"type": "array", "items": message_schemas.Message}, refusals=NOT_THE_HOST)
    def list(self, slug: str) -> Response:
        """List the messages, the latest first."""
        messages = message_service.history(self.get_hosted(slug))
        return self.response(200, result=message_schemas.Message(many=True).dump(messages))

    @expose("/<slug>/messages", methods=["POST"])
    @endpoint(
        "host",
        takes=message_schemas.MessageInput,
        gives=message_schemas.Message,
        codes=(QUEUED,),
        parameters=(idempotency.PARAMETER,),
        refusals={**NOT_THE_HOST, 409: "The party is a draft, or the daily limit is reached"},
    )
    def send(self, slug: str, sent: dict[str, Any]) -> Response:
        """Send a message to guests, chosen by their answer. Equal messages within a minute are sent once."""
        party = self.get_hosted(slug)
        key = idempotency.identify_request(current_member()).key_digests[0]
        draft = MessageDraft(sent["subject"], sent["text"], tuple(sent["audiences"]), sent["with_address"], key)
        message = run_with_retry(lambda: message_service.send(party, current_member(), draft))
        shown = message_schemas.Message().dump(message)
        return self.respond(200, QUEUED, message_texts.message_queued(message), result=shown)

    @expose("/<slug>/ask", methods=["POST"])
    @endpoint(
        "rsvp",
        takes=message_schemas.QuestionInput,
        codes=(QUEUED,),
        parameters=(idempotency.PARAMETER,),
        refusals={**PARTY_NOT_FOUND, 409: "You are a host, or the party was long ago"},
    )
    def ask(self, slug: str, sent: dict[str, Any]) -> Response:
        """Ask the hosts. Their reply reaches the e-mail address of your account."""
        party, guest, rsvp = self.get_answerable(slug)
        questions.refuse(party, is_host=self.is_host(party))
        key = idempotency.identify_request(current_member()).key_digests[0]
        hosts = run_with_retry(lambda: questions.ask(party, guest, rsvp, sent["text"], key))
        return self.respond(200, QUEUED, message_texts.question_queued(hosts))

    @expose("/<slug>/remind", methods=["POST"])
    @endpoint("host", codes=(QUEUED,), refusals={**NOT_THE_HOST, 409: "All have answered, or all were reminded today"})
    def remind(self, slug: str) -> Response:
        """Remind invited guests who have not answered, each at most once a day."""
        party = self.get_hosted(slug)
        count = run_with_retry(lambda: reminders.remind_not_answered(party))
        return self.respond(200, QUEUED, message_texts.not_answered_reminded(count))

    @expose("/<slug>/reminders")
    @endpoint("host", gives=REMINDERS, more=FINGERPRINT_FIELD, refusals=NOT_THE_HOST)
    def list_reminders(self, slug: str) -> Response:
        """List the reminders."""
        return self.response(200, **self._reminders(self.get_hosted(slug)))

    @expose("/<slug>/reminders", methods=["PUT"])
    @endpoint(
        "host",
        takes=message_schemas.RemindersInput,
        gives=REMINDERS,
        more=FINGERPRINT_FIELD,
        codes=(SAVED,),
        refusals={**NOT_THE_HOST, 409: "Changed meanwhile"},
    )
    def change_reminders(self, slug: str, sent: dict[str, Any]) -> Response:
        """Replace the reminders."""
        party = self.get_hosted(slug)
        wanted = [(each["kind"], each["hours_before"]) for each in sent["reminders"]]
        run_with_retry(lambda: reminders.change(party, wanted, expected=sent.get("seen", "")))
        return self.respond(200, SAVED, message_texts.reminders_saved(), **self._reminders(party))

    @staticmethod
    def _reminders(party: DinnerParty) -> dict[str, Any]:
        planned = reminders.planned(party)
        return {
            "result": message_schemas.PlannedReminder(many=True).dump(planned),
            "seen": reminders.reminders_fingerprint(planned),
        }
