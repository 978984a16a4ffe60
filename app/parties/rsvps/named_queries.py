"""Named queries about seats and answers."""

from datetime import date

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, case, func, select

from app.charts.model import Column, Kind
from app.database import month_of
from app.extensions import db
from app.named_queries import (
    MONTHS,
    NamedQuery,
    Parameter,
    Row,
    Series,
    declare,
    monthly,
    short_text,
    whole_number,
)
from app.parties.enums import HELD, QUEUED, SEATED, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.named_queries import HOST, MONTH, PERMISSION, of_host, own, parties_of, within

MAX_PARTIES = 200
# No-shows had said that they would come.
COMING = (*SEATED, RsvpStatus.NO_SHOW)
ANSWERS = (
    COMING,
    (RsvpStatus.MAYBE,),
    (*QUEUED, RsvpStatus.AWAITING_APPROVAL),
    (RsvpStatus.NO, RsvpStatus.WITHDRAWN),
)


def _seats_and_answers(first: date, last: date, *conditions: ColumnElement[bool]) -> dict[date, Row]:
    month = month_of(DinnerParty.starts_at).label("month")
    chosen = (within(first, last), DinnerParty.status.in_(HELD), *conditions)
    seats = select(month, func.sum(DinnerParty.number_seats), func.sum(DinnerParty.seats_taken))
    answers = select(month, *(func.count(case((Rsvp.status.in_(kind), 1))) for kind in ANSWERS)).join(Rsvp.party)
    found = {row[0]: tuple(row[1:]) for row in db.session.execute(seats.where(*chosen).group_by(month))}
    answered = {row[0]: tuple(row[1:]) for row in db.session.execute(answers.where(*chosen).group_by(month))}
    return {each: (*found[each], *answered.get(each, (0,) * len(ANSWERS))) for each in found}


def _series(*conditions: ColumnElement[bool]) -> Series:
    nothing = (0, 0, *(0,) * len(ANSWERS))
    return monthly(lambda first, last: _seats_and_answers(first, last, *conditions), nothing)


def _guests_per_party(parties: int, party: str) -> list[Row]:
    counted = (
        func.coalesce(func.sum(case((Rsvp.status.in_(COMING), Rsvp.party_size))), 0),
        func.coalesce(func.sum(case((Rsvp.status.in_(ANSWERS[2]), Rsvp.party_size))), 0),
        func.count(case((Rsvp.status.in_(ANSWERS[3]), 1))),
    )
    shown = (DinnerParty.title, DinnerParty.starts_at, DinnerParty.number_seats)
    chosen = select(DinnerParty.id).where(own(), *([DinnerParty.slug == party] if party else []))
    newest = chosen.order_by(DinnerParty.starts_at.desc(), DinnerParty.id.desc()).limit(parties)
    statement = (
        select(*shown, *counted)
        .outerjoin(Rsvp, Rsvp.party_id == DinnerParty.id)
        .where(DinnerParty.id.in_(newest.subquery().select()))
        .group_by(DinnerParty.id, *shown)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
    )
    rows: list[Row] = [tuple(row) for row in db.session.execute(statement)]
    if party and not rows:
        raise ValueError(gettext("You host no party “%(name)s”.", name=party))
    return rows


declare(
    NamedQuery(
        name="seats_and_answers",
        title=lazy_gettext("Seats and answers per month"),
        columns=(
            MONTH,
            Column("seats", lazy_gettext("Seats")),
            Column("taken", lazy_gettext("Seats taken")),
            Column("coming", lazy_gettext("Answers: coming")),
            Column("maybe", lazy_gettext("Answers: maybe")),
            Column("waiting", lazy_gettext("Answers: waiting")),
            Column("declined", lazy_gettext("Answers: not coming")),
        ),
        parameters=(MONTHS, HOST),
        permission=PERMISSION,
        series=_series(),
        read=lambda months, host: _series(*of_host(host)).rows(months),
        link=parties_of,
    )
)
declare(
    NamedQuery(
        name="my_guests_per_party",
        title=lazy_gettext("Guests of my parties"),
        columns=(
            Column("party", lazy_gettext("Party"), Kind.TEXT),
            Column("starts_at", lazy_gettext("Start"), Kind.MOMENT),
            Column("seats", lazy_gettext("Seats")),
            Column("coming", lazy_gettext("Guests coming")),
            Column("waiting", lazy_gettext("Guests waiting")),
            Column("declined", lazy_gettext("Answers: not coming")),
        ),
        parameters=(
            Parameter("parties", lazy_gettext("Number of parties, the latest ones"), 12, whole_number(1, MAX_PARTIES)),
            Parameter("party", lazy_gettext("Party, as in the URL of its page"), "", short_text),
        ),
        permission=None,
        read=_guests_per_party,
    )
)
