"""Whatever may happen to a table and its line, as steps for tests; and what must be right after each."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, func, select
from sqlalchemy.orm.exc import StaleDataError

from app import clock
from app.accounts.models import Member
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import queries, secret_links
from app.parties.attendance import service as attendance_service
from app.parties.check_in import service as check_in_service
from app.parties.enums import SEATED, OfferState, PartyStatus, RsvpStatus
from app.parties.hosting import service as hosting_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import approval, leaving, offers
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps.types import RsvpRequest
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list import seats
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer


class PartySteps:
    """One party and its possible guests. Each step is a transaction; a refused one returns None."""

    def __init__(self, app: Flask, party_id: int, guests: list[int]) -> None:
        self.app, self.party_id, self.guests = app, party_id, guests

    # -- steps

    def answer(self, guest, size, least=None, *, wait=False):
        return self._do(
            lambda: rsvp_service.rsvp(
                self._party(), Respondent(self._member(guest)), RsvpRequest(RsvpStatus.YES, size, least, wait=wait)
            )
        )

    def say_no(self, guest):
        return self._do(
            lambda: rsvp_service.rsvp(self._party(), Respondent(self._member(guest)), RsvpRequest(RsvpStatus.NO))
        )

    def withdraw(self, guest):
        return self._do(lambda: rsvp_service.withdraw(self._party(), Respondent(self._member(guest))))

    def claim(self, guest):
        return self._do(lambda: offers.claim(self._party(), Respondent(self._member(guest))))

    def decline(self, guest, *, stay):
        return self._do(lambda: offers.decline(self._party(), Respondent(self._member(guest)), stay=stay))

    def remove(self, guest):
        return self._with_answer(guest, leaving.remove)

    def approve(self, guest):
        return self._with_answer(guest, approval.approve)

    def check_in(self, guest):
        return self._with_answer(
            guest, lambda answer: check_in_service.check_in(self._party(), secret_links.ticket_code(answer))
        )

    def check_out(self, guest):
        return self._with_answer(
            guest, lambda answer: check_in_service.check_out(self._party(), secret_links.ticket_code(answer))
        )

    def miss(self, guest):
        return self._with_answer(guest, lambda answer: attendance_service.mark_no_show(self._party(), answer) or True)

    def came(self, guest):
        return self._with_answer(guest, lambda answer: attendance_service.undo_no_show(self._party(), answer) or True)

    def ask_for_approval(self, *, wanted):
        def act():
            party = self._party()
            party.approval = wanted
            return hosting_service.update_party(party)

        return self._do(act)

    def set_seats(self, number):
        def act():
            party = self._party()
            party.number_seats = number
            return hosting_service.update_party(party)

        return self._do(act)

    def cancel(self):
        return self._do(lambda: hosting_service.cancel_party(self._party()))

    def end_an_offer(self):
        def act():
            offer = db.session.scalars(select(WaitOffer).where(WaitOffer.state == OfferState.PENDING).limit(1)).first()
            return offer and seats.expire(offer)

        return self._do(act)

    def sweep(self):
        def act():
            due = waiting_list_queries.parties_to_sweep(clock.now())
            return [seats.expire_offers(party_id) for party_id in due]

        return self._do(act)

    # -- reading

    def seated(self):
        """Return the number of seats of each confirmed guest."""
        with self.app.app_context():
            rows = select(Rsvp.member_id, Rsvp.party_size).where(
                Rsvp.party_id == self.party_id, Rsvp.status.in_(SEATED)
            )
            return dict(db.session.execute(rows).all())

    def status(self, guest):
        with self.app.app_context():
            return db.session.scalar(
                select(Rsvp.status).where(Rsvp.party_id == self.party_id, Rsvp.member_id == self.guests[guest])
            )

    def violations(self, *, settled=True):
        """Return violations of the invariants; `settled`: no time has passed since the last step."""
        with self.app.app_context():
            party = db.session.get(DinnerParty, self.party_id)
            rows = list(db.session.scalars(select(Rsvp).where(Rsvp.party_id == self.party_id)))
            offers = list(db.session.scalars(select(WaitOffer).where(WaitOffer.party_id == self.party_id)))
            letters = db.session.scalar(select(func.count()).where(OutboxEmail.kind == "seat_offered"))
        return [*_books(party, rows, offers, letters), *(_unfair(party, rows, offers) if settled else ())]

    # -- helpers

    def _do(self, act):
        with self.app.app_context():
            try:
                return run_with_retry(act)
            except (DomainError, StaleDataError):
                # Refused, or the party was changed meanwhile.
                return None

    def _with_answer(self, guest, change):
        def act():
            answer = queries.rsvp_of(self._party(), Respondent(self._member(guest)))
            return answer and change(answer)

        return self._do(act)

    def _party(self):
        return db.session.get(DinnerParty, self.party_id)

    def _member(self, guest):
        return db.session.get(Member, self.guests[guest])


def recreate_party(app, host, *, seats_, hours):
    """Delete the party and create it again; return its ID."""
    with app.app_context(), transaction() as session:
        for model in (OutboxEmail, WaitingListEvent, WaitOffer, Rsvp, DinnerParty):
            session.execute(delete(model))
        party = DinnerParty(
            title="Dinner",
            starts_at=clock.now() + timedelta(hours=hours),
            number_seats=seats_,
            status=PartyStatus.PUBLISHED,
        )
        hosting_service.create_party(party, session.get(Member, host.id))
        return party.id


def _books(party, rows, offers, letters):
    held = sum(row.party_size for row in rows if row.status in SEATED)
    pending = [offer for offer in offers if offer.state == OfferState.PENDING]
    held += sum(offer.seats for offer in pending)
    if party.seats_taken != held:
        yield f"{party.seats_taken} seats count as taken, {held} are held"
    if not 0 <= party.seats_taken <= party.number_seats:
        yield f"{party.seats_taken} of {party.number_seats} seats are taken"
    if sorted(row.id for row in rows if row.status == RsvpStatus.OFFERED) != sorted(offer.rsvp_id for offer in pending):
        yield "those who are offered seats and the offers are not the same"
    if len({row.member_id for row in rows}) != len(rows):
        yield "somebody answered twice"
    if letters != len(offers):
        yield f"{len(offers)} offers were made in {letters} letters"


def _unfair(party, rows, offers):
    now = clock.now()
    if any(offer.state == OfferState.PENDING and offer.expires_at <= now for offer in offers):
        yield "an offer that ran out still holds seats"
    if party.status != PartyStatus.PUBLISHED or party.answers_until <= now:
        return
    if any(offer.expires_at > party.answers_until for offer in offers if offer.state == OfferState.PENDING):
        yield "an offer lasts longer than answers are taken"
    held = {offer.rsvp_id: offer.seats for offer in offers if offer.state == OfferState.PENDING}
    # By how many seats each group would take at least. An open offer of fewer seats than were asked for grows by any.
    wanted = {
        row: 1 if row.id in held else row.min_party
        for row in sorted(rows, key=lambda row: (row.waitlisted_at or now, row.id))
        if (row.status == RsvpStatus.WAITLISTED and not row.resting and row.min_party < party.number_seats)
        or held.get(row.id, row.party_size) < row.party_size
    }
    first = list(wanted)[:1] if party.starts_at - now > timedelta(hours=48) else wanted
    free = party.number_seats - party.seats_taken
    yield from (f"{free} seats are free, and {row} would take {wanted[row]}" for row in first if wanted[row] <= free)
