"""Hosts hear of the answers of their guests: at once, once a day, or never, as each of them has chosen.

The daily e-mail is written from the RSVPs, so it says how things are, not how often a guest has changed their mind.
"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.outbox import unsubscribe
from app.outbox.models import EmailTopic
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import CoHost, DinnerParty, Rsvp
from app.parties.queries import ids_hosted_by
from app.parties.rsvps import mail as rsvp_mail

# In the time zone of the host.
MORNING = time(8)
DAY = timedelta(days=1)
# What guests do. Requests have an e-mail of their own, and what hosts do is no news to them.
NEWS = (
    RsvpStatus.YES,
    RsvpStatus.NO,
    RsvpStatus.MAYBE,
    RsvpStatus.WAITLISTED,
    RsvpStatus.OFFERED,
    RsvpStatus.WITHDRAWN,
)


def tell(party: DinnerParty, rsvp: Rsvp, *, freed: int = 0) -> None:
    """E-mail the hosts who want to know of an answer at once.

    All of them hear of `freed` seats that nobody on the waiting list can get any more: only they can pass them on.
    """
    for host in (party.host, *party.co_hosts):
        if host.erased_at is not None or host.id == rsvp.member_id:
            continue
        if freed:
            rsvp_mail.seats_freed(party, rsvp, host, freed)
        elif host.answers_at_once:
            rsvp_mail.guest_answered(party, rsvp, host)


def send_digests() -> int:
    """E-mail each host, once a day, what their guests have answered since; return how many e-mails were written.

    Call it outside a transaction: it commits after each host, so that an error with one does not stop the others.
    """
    now, sent = clock.now(), 0
    with transaction():
        due = [host.id for host in db.session.scalars(_hosts_with_news(now)) if _is_due(host, now)]
    for host_id in due:
        with transaction():
            host = db.session.get(Member, host_id, with_for_update=True, populate_existing=True)
            if host is not None and _is_due(host, now):
                sent += _send_digest(host, now)
    return sent


def _send_digest(host: Member, now: datetime) -> int:
    news = list(db.session.scalars(_news_of(host, now)))
    host.answers_told_at = now
    if news:
        rsvp_mail.answers_digest(host, news, now)
    return int(bool(news))


def _hosts_with_news(now: datetime) -> Select[Member]:
    # From the parties that lie ahead: most members host none of them. When each host was told is asked of the last
    # answer to them: asked of each answer, PostgreSQL reads for each host the answers to all parties since then.
    answers = select(DinnerParty.host_id, Rsvp.answered_at).join(Rsvp.party).where(_is_news(now, DinnerParty.host_id))
    co_hosts = select(CoHost.member_id, Rsvp.answered_at).join(Rsvp.party)
    co_hosts = co_hosts.join(CoHost, CoHost.party_id == DinnerParty.id).where(_is_news(now, CoHost.member_id))
    each = union_all(answers, co_hosts).subquery()
    last = select(each.c.host_id, func.max(each.c.answered_at).label("at")).group_by(each.c.host_id).subquery()
    return (
        select(Member)
        .join(last, last.c.host_id == Member.id)
        .where(
            Member.answers_at_once.is_(False),
            Member.erased_at.is_(None),
            unsubscribe.accepts(Member.email_key, EmailTopic.ANSWERS),
            last.c.at > func.coalesce(Member.answers_told_at, now - DAY),
        )
    )


def _news_of(host: Member, now: datetime) -> Select[Rsvp]:
    since = host.answers_told_at or now - DAY
    return (
        select(Rsvp)
        .join(Rsvp.party)
        .options(joinedload(Rsvp.party))
        .where(DinnerParty.id.in_(ids_hosted_by(host.id)))
        .where(_is_news(now, host.id), Rsvp.answered_at > since)
        .order_by(DinnerParty.starts_at, DinnerParty.id, Rsvp.answered_at, Rsvp.id)
    )


def _is_news(now: datetime, host_id: Any) -> ColumnElement[bool]:
    """Return the condition that an RSVP is of a guest of a party that lies ahead."""
    is_guest = or_(Rsvp.member_id.is_(None), and_(Rsvp.member_id != host_id, Rsvp.member_id != DinnerParty.host_id))
    return and_(
        Rsvp.status.in_(NEWS), is_guest, DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > now
    )


def _is_due(host: Member, now: datetime) -> bool:
    """Whether it was morning where the host is since they were last told."""
    zone = ZoneInfo(host.timezone or current_app.config["BABEL_DEFAULT_TIMEZONE"])
    here = now.astimezone(zone)
    morning = datetime.combine(here.date(), MORNING, zone)
    last = morning if here >= morning else morning - DAY
    return host.answers_told_at is None or host.answers_told_at < last
