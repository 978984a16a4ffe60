"""Two accounts of one person become one: what the first has goes to the second, and the first ends as a deleted account.

Accounts know nothing of parties: receivers of the signal member_merging hand over the rows of their features.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from flask_appbuilder.security.sqla.models import ApiKey, assoc_user_group, assoc_user_role
from flask_babel import lazy_gettext
from sqlalchemy import Column, exists, func, select, update
from sqlalchemy.engine import CursorResult

from app import audit
from app.accounts import mail, queries, role_changes
from app.accounts.ldap import sync
from app.accounts.models import (
    ADMIN,
    DirectoryPerson,
    ExternalIdentity,
    LoginSession,
    Member,
    MemberInvitation,
    Passkey,
    Totp,
)
from app.accounts.signals import member_merging
from app.accounts.users import account_deletion
from app.accounts.users import service as user_service
from app.address_key import address_key
from app.errors import DomainError
from app.extensions import db, metadata
from app.outbox import rules as outbox_rules
from app.outbox import unsubscribe
from app.outbox.models import EmailState, OutboxEmail

Line = tuple[object, object]

# What the account that ends loses, with what is said of it. The rest of these tables needs no words.
ENDING = (
    (LoginSession, LoginSession.member_id, lazy_gettext("Login sessions"), LoginSession.ended_at.is_(None)),
    (Passkey, Passkey.member_id, lazy_gettext("Passkeys"), None),
    (Totp, Totp.member_id, lazy_gettext("Authenticator apps"), None),
    (ApiKey, ApiKey.user_id, lazy_gettext("API keys"), ApiKey.revoked_on.is_(None)),
)
ENDING_TABLES = frozenset(
    (
        *(model.__tablename__ for model in account_deletion.OWNED),
        *(ApiKey.__tablename__, assoc_user_role.name, assoc_user_group.name),
    )
)


@dataclass
class Report:
    """What a merge does: lines of a label, and a number or names. Lines without any are left out."""

    moved: list[Line] = field(default_factory=list)
    collisions: list[Line] = field(default_factory=list)
    ended: list[Line] = field(default_factory=list)
    warnings: list[object] = field(default_factory=list)

    def move(self, label: object, statement: Any) -> None:
        """Execute an UPDATE that hands over rows, and note how many."""
        note(self.moved, label, rows_of(statement))


def note(lines: list[Line], label: object, value: object) -> None:
    """Add a line, unless there is nothing to tell."""
    if value:
        lines.append((label, value))


def rows_of(statement: Any) -> int:
    """Execute an UPDATE or DELETE, and return how many rows it has changed."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount


def account_named(name: str) -> Member:
    """Return the member with that username or e-mail address. Raises DomainError."""
    member = queries.member_by_name_or_email(name)
    if member is None:
        raise DomainError(lazy_gettext("Nobody has this username."), field="username")
    return member


def preview(ending: Member, kept: Member, by: int | None) -> Report:
    """Return what `merge` would do. It is done, and rolled back: so no number can be wrong."""
    try:
        return _hand_over(ending, kept, by)
    finally:
        db.session.rollback()


def merge(ending: Member, kept: Member, by: int | None) -> Report:
    """Give everything of one account to another one, and delete it.

    Raises DomainError when an account is deleted already, for oneself, and when no administrator would be left.
    """
    report = _hand_over(ending, kept, by)
    before = {"username": ending.username, "roles": role_changes.names(ending.roles)}
    audit.record("member_merged", "member", kept, before=before, after={"username": kept.username})
    account_deletion.erase(ending, partial(mail.accounts_merged, ending, kept))
    return report


def references() -> list[Column[Any]]:
    """Return the columns of all tables, also those of packages, that refer to a member."""
    return [
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == f"{Member.__tablename__}.id" for key in column.foreign_keys)
    ]


def _hand_over(ending: Member, kept: Member, by: int | None) -> Report:
    if ending.id == kept.id:
        raise DomainError(lazy_gettext("This is the same account. Choose another one."), field="username")
    _lock(ending, kept)
    _refuse(ending, kept, by)
    report = Report()
    _report_people(ending, kept, report)
    _report_ending(ending, report)
    _move_rows(ending, kept, report)
    _move_directory_person(ending, kept, report)
    _move_email(ending, kept, report)
    _join_profiles(ending, kept)
    db.session.flush()
    member_merging.send(ending, kept=kept, report=report)
    db.session.flush()
    # Rows were changed by statements.
    db.session.expire_all()
    _refuse_leftovers(ending)
    return report


def _lock(*members: Member) -> None:
    """Lock two members in the order of their keys: two administrators may merge them at the same time, also crosswise.

    An UPDATE, because SQLite knows no FOR UPDATE. It keeps nobody from adding rows that refer to them.
    """
    for member in sorted(members, key=lambda each: each.id):
        db.session.execute(update(Member).where(Member.id == member.id).values(session_stamp=Member.session_stamp))
        db.session.refresh(member)


def _refuse(ending: Member, kept: Member, by: int | None) -> None:
    user_service.refuse_erased([ending, kept])
    if ending.id == by:
        raise DomainError(lazy_gettext("You cannot merge your own account into another one."), field="username")
    if kept.erase_at is not None:
        raise DomainError(
            lazy_gettext("The account of %(name)s is to be deleted. Keep it first.", name=kept.username),
            field="username",
        )
    user_service.refuse_without_admin([ending])


# -- what is said


def _report_people(ending: Member, kept: Member, report: Report) -> None:
    lost = role_changes.with_groups(ending.roles, ending.groups) - role_changes.with_groups(kept.roles, kept.groups)
    names = role_changes.names(lost)
    note(report.ended, lazy_gettext("Roles that the account that stays does not get"), ", ".join(names))
    if ADMIN in names:
        report.warnings.append(
            lazy_gettext(
                "%(name)s is an administrator, and %(other)s does not become one.",
                name=ending.username,
                other=kept.username,
            )
        )
    if ending.banned_at is not None and kept.banned_at is None:
        report.warnings.append(
            lazy_gettext("%(name)s is banned, and %(other)s is not.", name=ending.username, other=kept.username)
        )
    if not kept.is_active:
        report.warnings.append(lazy_gettext("%(name)s cannot log in at the moment.", name=kept.username))


def _report_ending(ending: Member, report: Report) -> None:
    for model, owner, label, condition in ENDING:
        count = select(func.count()).select_from(model).where(owner == ending.id)
        note(report.ended, label, db.session.scalar(count if condition is None else count.where(condition)))


# -- what is moved


def _move_rows(ending: Member, kept: Member, report: Report) -> None:
    report.move(
        lazy_gettext("Logins at other sites"),
        update(ExternalIdentity).where(ExternalIdentity.member_id == ending.id).values(member_id=kept.id),
    )
    report.move(
        lazy_gettext("Invitations to register"),
        update(MemberInvitation).where(MemberInvitation.invited_by_id == ending.id).values(invited_by_id=kept.id),
    )
    # Of Flask-AppBuilder: who has added and changed other members.
    for column in (Member.created_by_fk, Member.changed_by_fk):
        rows_of(update(Member).where(column == ending.id).values({column: kept.id}))


def _move_directory_person(ending: Member, kept: Member, report: Report) -> None:
    """Let the person of the directory use the account that stays, unless it is the account of another one."""
    rows_of(update(DirectoryPerson).where(DirectoryPerson.contested_id == ending.id).values(contested_id=kept.id))
    row, own = sync.of_member(ending), sync.of_member(kept)
    if row is None:
        return
    label = lazy_gettext("Person of the directory")
    if row.lost_at is not None or (own is not None and own.lost_at is None):
        note(report.ended, label, row.dn or row.username)
        return
    if own is not None:
        # Somebody whom the directory has added again, as another person.
        sync.restore(own)
        note(report.ended, label, own.dn or own.username)
        db.session.delete(own)
        db.session.flush()
    row.member, row.contested = kept, None
    note(report.moved, label, row.dn or row.username)
    audit.record("directory_linked", "member", kept, after={"unique_id": row.unique_id, "dn": row.dn})


def _move_email(ending: Member, kept: Member, report: Report) -> None:
    """Send what waits for the one address to the other, except links for the account. Unsubscriptions are kept."""
    waiting = (
        OutboxEmail.recipient_key == address_key(ending.email),
        OutboxEmail.state == EmailState.QUEUED,
        OutboxEmail.priority != outbox_rules.URGENT,
        unsubscribe.accepts(address_key(kept.email), OutboxEmail.topic),
    )
    to = {"recipient": kept.email, "recipient_key": address_key(kept.email), "name": kept.display_name[:130]}
    report.move(lazy_gettext("E-mails that wait"), update(OutboxEmail).where(*waiting).values(to))
    topics = [row.topic.label for row in unsubscribe.of_address(ending.email)]
    note(report.moved, lazy_gettext("E-mails that are not wanted"), ", ".join(map(str, topics)))
    unsubscribe.rename_address(ending.email, kept.email)


def _join_profiles(ending: Member, kept: Member) -> None:
    kept.diets = [*dict.fromkeys((*kept.diets, *ending.diets))]
    kept.allergens = [*dict.fromkeys((*kept.allergens, *ending.allergens))]
    kept.joined_at = min(filter(None, (kept.joined_at, ending.joined_at)), default=None)


# -- what must not stay


def _refuse_leftovers(ending: Member) -> None:
    """Raise DomainError if rows would stay behind: added at this moment, or of a package that hands over nothing."""
    # From here on, nobody can add a row that refers to them. Last, because parties are locked before members.
    db.session.execute(select(Member.id).where(Member.id == ending.id).with_for_update())
    left = sorted({column.table.name for column in references() if _has_rows(column, ending)} - ENDING_TABLES)
    if left:
        raise DomainError(
            lazy_gettext(
                "Nothing was merged, because something of %(name)s would stay behind: %(tables)s. Either it was stored at "
                "this moment, then try again, or a package of this site cannot hand it over.",
                name=ending.username,
                tables=", ".join(left),
            )
        )


def _has_rows(column: Column[Any], member: Member) -> bool:
    return bool(db.session.scalar(select(exists().select_from(column.table).where(column == member.id))))
