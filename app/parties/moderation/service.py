"""Public parties that somebody finds wrong: anybody reports them, administrators hide them, show them again, or do not.

Who is hidden is told why. Guests keep their seats: what is hidden is hidden from strangers.
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


# -- everybody


def refuse_report(party: DinnerParty, reader: Member | None) -> None:
    """Refuse to have a party reported that not everybody can see, or by one of its hosts; raises DomainError."""
    if not party.is_listed or party.status == PartyStatus.DRAFT:
        raise DomainError(NOT_PUBLIC, "info")
    if reader is not None and reader.id in {party.host_id, *(member.id for member in party.co_hosts)}:
        raise DomainError(OWN_PARTY, "info")


def report(
    party: DinnerParty, reason: str, note: str, reader: Member | None, *, earlier: int | None = None
) -> PartyReport:
    """Store what somebody finds wrong with a party; administrators get a letter about the first that is open.

    `earlier` is the key of the report that the same browser has made before. Raises DomainError when that, or another
    one of theirs, is still open, and when the party cannot be reported any more.
    """
    filed = PartyReport(party_id=party.id, reporter_id=reader.id if reader else None, reason=reason, note=note)
    # Of two forms that are sent at once, one reports.
    seats.lock(party.id)
    db.session.refresh(party, ["visibility", "status", "hidden_at"])
    refuse_report(party, reader)
    waiting = _open_reports(PartyReport.party_id == party.id)
    if any(each.id == earlier or _is_same(each, filed) for each in waiting):
        raise DomainError(ALREADY_REPORTED, "info")
    db.session.add(filed)
    db.session.flush()
    if not waiting:
        for administrator in _administrators():
            moderation_mail.party_reported(filed, administrator)
    return filed


def _is_same(stored: PartyReport, filed: PartyReport) -> bool:
    """Whether a report comes from whom another one came from; of those without an account, whether it was sent twice."""
    if stored.reporter_id != filed.reporter_id:
        return False
    sent_twice = stored.created_at > clock.now() - DOUBLE_CLICK
    return filed.reporter_id is not None or (sent_twice and _words(stored) == _words(filed))


def _words(filed: PartyReport) -> tuple[str, str]:
    return filed.reason, filed.note


# -- administrators


def hide(parties: Iterable[DinnerParty], reason: str, by: int | None) -> int:
    """Hide parties from strangers, uphold their reports, and tell their hosts why; return how many were not hidden."""
    now = clock.now()
    hidden = [party for party in _in_order(parties) if _set_hidden(party, now, reason)]
    for party in hidden:
        upheld = _decide(ReportState.UPHELD, by, PartyReport.party_id == party.id)
        audit.record("party_hidden", "party", party, after={"reason": reason, "reports": len(upheld)})
        moderation_mail.party_hidden(party)
    return len(hidden)


def unhide(parties: Iterable[DinnerParty]) -> int:
    """Let strangers see parties again, and tell their hosts; return how many were hidden."""
    shown = []
    for party in _in_order(parties):
        reason = party.hidden_reason
        if _set_hidden(party, None, ""):
            audit.record("party_shown", "party", party, before={"reason": reason})
            moderation_mail.party_shown(party)
            shown.append(party)
    return len(shown)


def dismiss(reports: Iterable[PartyReport], by: int | None) -> int:
    """Leave the parties of reports as they are; return how many reports were open."""
    dismissed = _decide(ReportState.DISMISSED, by, PartyReport.id.in_([each.id for each in reports]))
    for each in dismissed:
        audit.record("report_dismissed", "report", each, name=each.party.title)
    return len(dismissed)


def note_deletion(party: DinnerParty) -> None:
    """Write down that a party is deleted, and whose it was."""
    audit.record("party_deleted", "party", party, before={"host": party.host.username})


# -- parts


def _in_order(parties: Iterable[DinnerParty]) -> list[DinnerParty]:
    """Return parties in the order of their keys: of two who hide several, neither then waits for the other."""
    return sorted({party.id: party for party in parties}.values(), key=lambda party: party.id)


def _set_hidden(party: DinnerParty, hidden_at: datetime | None, reason: str) -> bool:
    """Hide a party, or show it; False when it was so already. Of two who do so at once, one does it."""
    other = DinnerParty.hidden_at.is_(None) if hidden_at else DinnerParty.hidden_at.is_not(None)
    claim = update(DinnerParty).where(DinnerParty.id == party.id, other)
    claim = claim.values(hidden_at=hidden_at, hidden_reason=reason)
    done = db.session.execute(claim.returning(DinnerParty.id)).first() is not None
    db.session.refresh(party, ["hidden_at", "hidden_reason"])
    return done


def _decide(state: ReportState, by: int | None, which: ColumnElement[bool]) -> list[PartyReport]:
    """Close the open reports among `which`; return those that were."""
    claim = update(PartyReport).where(PartyReport.state == ReportState.OPEN, which)
    claim = claim.values(state=state, decided_at=clock.now(), decided_by_id=by).returning(PartyReport.id)
    keys = db.session.scalars(claim).all()
    return _reports(PartyReport.id.in_(keys)) if keys else []


def _open_reports(*which: ColumnElement[bool]) -> list[PartyReport]:
    return _reports(PartyReport.state == ReportState.OPEN, *which)


def _reports(*which: ColumnElement[bool]) -> list[PartyReport]:
    statement = select(PartyReport).where(*which).order_by(PartyReport.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def _administrators() -> list[Member]:
    """Return the administrators who can come in."""
    held: Any = Member.roles.any(Role.name == ADMIN)
    statement = select(Member).where(
        held, Member.active.is_(True), Member.banned_at.is_(None), Member.erased_at.is_(None)
    )
    return list(db.session.scalars(statement.order_by(Member.id)))
