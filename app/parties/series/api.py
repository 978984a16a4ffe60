"""The API of series."""

from typing import Any

from flask import Response, url_for
from flask_appbuilder.api import expose
from sqlalchemy.orm.exc import StaleDataError

from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties import texts
from app.parties.api_base import NOT_THE_HOST, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.api_fields import read_clocks
from app.parties.hosting import schemas as hosting_schemas
from app.parties.hosting import texts as hosting_texts
from app.parties.models import DinnerParty
from app.parties.series import queries as series_queries
from app.parties.series import schemas as series_schemas
from app.parties.series import service as series_service
from app.parties.series import texts as series_texts
from app.parties.series.service import Rule

CREATED, CHANGED, LEFT, CANCELLED = "series_created", "series_changed", "series_left", "series_cancelled"
DATES = {"type": "array", "items": series_schemas.SeriesDate}
CONFLICT = "The party is in no series, has started, or was changed in the meantime"


class SeriesApi(PartyApiBase):
    """The series of a party."""

    @expose("/<slug>/series")
    @endpoint("read", gives=DATES, refusals=PARTY_NOT_FOUND)
    def list(self, slug: str) -> Response:
        """List the dates of the series of a party, as its reader may see them; none if it is in no series."""
        party = self.get_visible(slug).party
        is_host = self.is_host(party) or self.is_staff()
        shown = series_queries.visible_dates(party, is_host=is_host)
        rows = series_schemas.SeriesDate(many=True).dump([date for date, _linked in shown])
        for row, (_date, linked) in zip(rows, shown, strict=True):
            row["slug"] = row["slug"] if linked else None
        return self.response(200, result=rows)

    @expose("/<slug>/series", methods=["POST"])
    @endpoint(
        "host",
        takes=series_schemas.SeriesInput,
        gives=DATES,
        status=201,
        codes=(CREATED,),
        refusals={**NOT_THE_HOST, 409: "The party is in a series, has started, or was changed in the meantime"},
    )
    def create(self, slug: str, sent: dict[str, Any]) -> Response:
        """Repeat a party: each date is a party of its own. Only its owner can do that."""
        party = self.get_owned(slug)
        rule = Rule(sent["frequency"], sent["every"], sent["until"], sent["number"])
        try:
            parties = run_with_retry(lambda: series_service.create(party, rule))
        except StaleDataError as error:
            raise DomainError(*texts.changed_meanwhile()) from error
        response = self.respond(201, CREATED, series_texts.created(parties), result=self._dates(party))
        response.headers["Location"] = url_for("SeriesApi.list", slug=slug)
        return response

    @expose("/<slug>/series", methods=["PATCH"])
    @endpoint(
        "host",
        takes=hosting_schemas.PartyChangeInput,
        gives=DATES,
        codes=(CHANGED,),
        refusals={**NOT_THE_HOST, 409: CONFLICT},
    )
    def change(self, slug: str, sent: dict[str, Any]) -> Response:
        """Change a date and the following ones. A new time or day moves each of them alike."""
        party = self.get_editable(slug)
        if not party.is_changeable:
            raise DomainError(*hosting_texts.no_longer_changeable())
        read_clocks(sent, party.timezone)
        if sent.pop("version") != party.version:
            raise DomainError(*texts.changed_meanwhile())
        for name, value in sent.items():
            setattr(party, name, value)
        try:
            with transaction():
                dates, notified = series_service.change_following(party)
        except StaleDataError as error:
            raise DomainError(*texts.changed_meanwhile()) from error
        return self.respond(200, CHANGED, series_texts.changed(dates, notified), result=self._dates(party))

    @expose("/<slug>/series", methods=["DELETE"])
    @endpoint("host", codes=(LEFT,), refusals={**NOT_THE_HOST, 409: "The party is in no series"})
    def leave(self, slug: str) -> Response:
        """Take a date out of its series. Guests keep their answers."""
        party = self.get_owned(slug)
        with transaction():
            series_service.leave(party)
        return self.respond(200, LEFT, series_texts.left())

    @expose("/<slug>/series/cancel", methods=["POST"])
    @endpoint("host", gives=DATES, codes=(CANCELLED,), refusals={**NOT_THE_HOST, 409: CONFLICT})
    def cancel(self, slug: str) -> Response:
        """Cancel a date and the following ones. Each guest gets one e-mail."""
        party = self.get_owned(slug)
        try:
            with transaction():
                dates, notified = series_service.cancel_following(party)
        except StaleDataError as error:
            raise DomainError(*texts.changed_meanwhile()) from error
        return self.respond(200, CANCELLED, series_texts.cancelled(dates, notified), result=self._dates(party))

    @staticmethod
    def _dates(party: DinnerParty) -> Any:
        return series_schemas.SeriesDate(many=True).dump(series_queries.dates(party))
