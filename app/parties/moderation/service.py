"""Reports of public parties. Administrators hide the party, or dismiss the report.

The hosts of a hidden party get the reason by e-mail. A party is hidden from the public only: guests keep their seats.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, select, update

from app import audit, clock
from app.accounts.models import ADMIN, Member
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import PartyStatus, ReportState
from app.parties.models import DinnerParty
from app.parties.moderation import mail as moderation_mail
from app.parties.moderation.models import PartyReport
from app.parties.waiting_list import seats

NOT_PUBLIC = lazy_gettext("Only public parties can be reported.")
OWN_PARTY = lazy_gettext("This is your own party. You can change or cancel it.")
ALREADY_REPORTED = lazy_gettext("You have already reported this party.")
DOUBLE_CLICK = timedelta(minutes=1)


# -- reporters


def refuse_report(party: DinnerParty, reporter: Member | None) -> None:
    """Raise DomainError for a party that is not public, and for its hosts."""
    if not party.is_listed or party.status == PartyStatus.DRAFT:
        raise DomainError(NOT_PUBLIC, "info")
    if reporter is not None and party.is_hosted_by(reporter.id):
        raise DomainError(OWN_PARTY, "info")


def report(
    party: DinnerParty, reason: str, note: str, reporter: Member | None, *, earlier_id: int | None = None
) -> PartyReport:
    """Store a report. If the party has no other open report, administrators get an e-mail.

    `earlier_id` is the key of the last report from the same browser. Raises DomainError if that one or another one of
    the reporter is still open, and if the party cannot be reported.
    """
    new = PartyReport(party_id=party.id, reporter_id=reporter.id if reporter else None, reason=reason, note=note)
    # The lock keeps two requests at once from storing the same report twice.
    seats.lock(party.id)
    db.session.refresh(party, ["visibility", "status", "hidden_at"])
    refuse_report(party, reporter)
    open_reports = _reports(PartyReport.state == ReportState.OPEN, PartyReport.party_id == party.id)
    if any(each.id == earlier_id or _is_duplicate(each, new) for each in open_reports):
        raise DomainError(ALREADY_REPORTED, "info")
    db.session.add(new)
    db.session.flush()
    if not open_reports:
        for administrator in _administrators():
            moderation_mail.party_reported(new, administrator)
    return new


def _is_duplicate(stored: PartyReport, new: PartyReport) -> bool:
    """Whether both reports are by the same member; or, by visitors, have the same text and were sent by a double click."""
    if stored.reporter_id != new.reporter_id:
        return False
    is_recent = stored.created_at > clock.now() - DOUBLE_CLICK
    return new.reporter_id is not None or (is_recent and (stored.reason, stored.note) == (new.reason, new.note))


# -- administrators


def hide(parties: Iterable[DinnerParty], reason: str, by: int | None) -> int:
    """Hide parties from the public, uphold their reports, and notify the hosts. Return how many were not hidden before."""
    now = clock.now()
    hidden = [party for party in _in_lock_order(parties) if _set_hidden(party, now, reason)]
    for party in hidden:
        upheld = _decide(ReportState.UPHELD, by, PartyReport.party_id == party.id)
        audit.record("party_hidden", "party", party, after={"reason": reason, "reports": len(upheld)})
        moderation_mail.party_hidden(party)
    return len(hidden)


def unhide(parties: Iterable[DinnerParty]) -> int:
    """Show parties to the public again, and notify the hosts. Return how many were hidden before."""
    shown = []
    for party in _in_lock_order(parties):
        reason = party.hidden_reason
        if _set_hidden(party, None, ""):
            audit.record("party_shown", "party", party, before={"reason": reason})
            moderation_mail.party_shown(party)
            shown.append(party)
    return len(shown)


def dismiss(reports: Iterable[PartyReport], by: int | None) -> int:
    """Close reports without hiding the parties. Return how many were open."""
    dismissed = _decide(ReportState.DISMISSED, by, PartyReport.id.in_([each.id for each in reports]))
    for each in dismissed:
        audit.record("report_dismissed", "report", each, name=each.party.title)
    return len(dismissed)


def record_deletion(party: DinnerParty) -> None:
    """Record the deletion of a party, with its owner, in the audit log."""
    audit.record("party_deleted", "party", party, before={"host": party.host.username})


# -- steps


def _in_lock_order(parties: Iterable[DinnerParty]) -> list[DinnerParty]:
    """Return the parties once each, ordered by key, so that two administrators cannot deadlock."""
    return sorted({party.id: party for party in parties}.values(), key=lambda party: party.id)


def _set_hidden(party: DinnerParty, hidden_at: datetime | None, reason: str) -> bool:
    """Hide the party, or show it if `hidden_at` is None. Return False if another request has done it already."""
    is_other = DinnerParty.hidden_at.is_(None) if hidden_at else DinnerParty.hidden_at.is_not(None)
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party.id, is_other)
        .values(hidden_at=hidden_at, hidden_reason=reason)
        .returning(DinnerParty.id)
    )
    done = db.session.execute(statement).first() is not None
    db.session.refresh(party, ["hidden_at", "hidden_reason"])
    return done


def _decide(state: ReportState, by: int | None, condition: ColumnElement[bool]) -> list[PartyReport]:
    """Close the open reports that match the condition, and return them."""
    statement = (
        update(PartyReport)
        .where(PartyReport.state == ReportState.OPEN, condition)
        .values(state=state, decided_at=clock.now(), decided_by_id=by)
        .returning(PartyReport.id)
    )
    keys = db.session.scalars(statement).all()
    return _reports(PartyReport.id.in_(keys)) if keys else []


def _reports(*conditions: ColumnElement[bool]) -> list[PartyReport]:
    statement = select(PartyReport).where(*conditions).order_by(PartyReport.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def _administrators() -> list[Member]:
    """Return the administrators who can log in."""
    is_administrator: Any = Member.roles.any(Role.name == ADMIN)
    statement = select(Member).where(
        is_administrator, Member.active.is_(True), Member.banned_at.is_(None), Member.erased_at.is_(None)
    )
    return list(db.session.scalars(statement.order_by(Member.id)))
