"""The members' API for reports of parties."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.database import run_with_retry
from app.parties.access import current_member
from app.parties.api_base import PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.moderation import schemas as moderation_schemas
from app.parties.moderation import service as moderation_service
from app.parties.moderation import texts as moderation_texts

REPORTED = "reported"


class ReportApi(PartyApiBase):
    """Reports of public parties to the administrators."""

    @expose("/<slug>/report", methods=["POST"])
    @endpoint(
        "read",
        takes=moderation_schemas.ReportInput,
        codes=(REPORTED,),
        refusals={**PARTY_NOT_FOUND, 409: "The party is not public, is your own, or you have reported it already"},
    )
    def report(self, slug: str, sent: dict[str, Any]) -> Response:
        """Report a public party to the administrators."""
        party = self.get_visible(slug).party
        run_with_retry(lambda: moderation_service.report(party, sent["reason"], sent["note"], current_member()))
        return self.respond(200, REPORTED, moderation_texts.reported())
