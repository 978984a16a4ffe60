"""The e-mails about accounts: recipients and contents."""

from datetime import datetime
from typing import Any

from app import clock
from app.accounts import rules
from app.accounts.enums import TokenPurpose
from app.accounts.models import Member, MemberInvitation, Registration
from app.http import public_url
from app.outbox.models import SECRET
from app.outbox.service import ORDINARY, URGENT, EmailRequest, enqueue, enqueue_decoy, supersede

ALREADY_REGISTERED = "already_registered"
REGISTRATION_EMAILS = ("activation", ALREADY_REGISTERED)
RESET_PASSWORD, CHANGE_EMAIL, EMAIL_CHANGE_NOTICE = "reset_password", "change_email", "email_change_notice"
EMAIL_CHANGED, EMAIL_CHANGE_UNDONE = "email_changed", "email_change_undone"
# Sent to an e-mail address of a member that is not the current one.
SENT_ELSEWHERE = (CHANGE_EMAIL, EMAIL_CHANGED, EMAIL_CHANGE_UNDONE)
ACCOUNT_DELETED, ACCOUNTS_MERGED = "account_deleted", "accounts_merged"


def activation(registration: Registration | None, token: str, wish: object = None) -> None:
    """Send the activation link, in place of earlier ones, and say what comes with it: the texts of a wish.

    Without a registration, discard the e-mail.
    """
    url = public_url("RegistrationView.activation", token=SECRET)
    supersede("activation", registration.email if registration is not None else "")
    if registration is None:
        enqueue_decoy("activation", context={"expires_at": clock.now(), "url": url, "wish": None})
        return
    enqueue(
        EmailRequest(
            "activation",
            to=registration.email,
            name=f"{registration.first_name} {registration.last_name}",
            locale=registration.locale,
            timezone=registration.timezone,
            context={
                "username": registration.username,
                "expires_at": registration.expires_at,
                "url": url,
                "wish": wish,
            },
            dedupe_key=f"activation:{registration.registration_hash}",
            secret=token,
            expires_at=registration.expires_at,
            priority=URGENT,
        )
    )


def withdraw_activation(registration: Registration) -> None:
    """Remove the activation link from the outbox."""
    supersede("activation", registration.email)


def already_registered(member: Member | None) -> None:
    """Notify a member that a visitor tried to register with their address. Without a member, discard the e-mail."""
    context: dict[str, Any] = {
        "login_url": public_url("LoginView.login"),
        "forgot_url": public_url("PasswordView.forgot"),
    }
    if member is None:
        enqueue_decoy(ALREADY_REGISTERED, context=context)
    else:
        supersede(ALREADY_REGISTERED, member.email)
        to_member(ALREADY_REGISTERED, member, _moment(), **context)


def invitation(invited: MemberInvitation, token: str) -> None:
    """Send the link of an invitation to register, in place of earlier ones."""
    supersede("invitation", invited.email)
    enqueue(
        EmailRequest(
            "invitation",
            to=invited.email,
            name="",
            locale=invited.locale,
            timezone=None,
            context={
                "inviter": invited.invited_by.display_name if invited.invited_by else "",
                "expires_at": invited.expires_at,
                "url": public_url("RegistrationView.invited", token=SECRET),
            },
            dedupe_key=f"invitation:{invited.token_hash}",
            secret=token,
            expires_at=invited.expires_at,
        )
    )


def welcome(member: Member) -> None:
    """Welcome a new member."""
    to_member("welcome", member, "once", urgent=False, login_url=public_url("LoginView.login"))


def locked_out(member: Member | None, locked_until: datetime) -> None:
    """Notify a member of too many failed logins. Without a member, discard the e-mail."""
    context: dict[str, Any] = {"locked_until": locked_until, "forgot_url": public_url("PasswordView.forgot")}
    if member is None:
        enqueue_decoy("locked_out", context=context)
    else:
        to_member("locked_out", member, f"{locked_until:%Y%m%dT%H%M%S%f}", **context)


def new_device(member: Member, device_id: int, browser: object, address: str) -> None:
    """Notify a member of a login with a browser that they have not used before."""
    context: dict[str, Any] = {
        "browser": browser,
        "address": address,
        "at": clock.now(),
    }
    to_member("new_device", member, str(device_id), devices_url=public_url("SessionView.list"), **context)


def reset_password(member: Member | None, token: str) -> None:
    """Send the link to choose a new password. Without a member, discard the e-mail."""
    expires_at = clock.now() + rules.TOKEN_LIFETIMES[TokenPurpose.RESET_PASSWORD]
    context: dict[str, Any] = {"expires_at": expires_at, "url": public_url("PasswordView.reset", token=SECRET)}
    if member is None:
        enqueue_decoy(RESET_PASSWORD, context=context)
        return
    to_member(RESET_PASSWORD, member, rules.token_hash(token), secret=token, **context)


def account_created(member: Member, token: str, expires_at: datetime) -> None:
    """Notify a new member whose account an administrator has created, with the link to choose a password."""
    url = public_url("PasswordView.reset", token=SECRET)
    to_member("account_created", member, rules.token_hash(token), secret=token, expires_at=expires_at, url=url)


def password_changed(member: Member) -> None:
    """Notify a member that their password was changed."""
    context: dict[str, Any] = {"at": clock.now(), "forgot_url": public_url("PasswordView.forgot")}
    to_member("password_changed", member, _moment(), **context)


def change_email(member: Member, address: str, token: str, *, owner: Member | None, silent: bool) -> None:
    """Send the link that confirms a new address to it.

    The `owner` of an address that is taken is notified instead. With `silent`, the e-mail is discarded.
    """
    expires_at = clock.now() + rules.TOKEN_LIFETIMES[TokenPurpose.CHANGE_EMAIL]
    context: dict[str, Any] = {"expires_at": expires_at, "url": public_url("EmailChangeView.confirm", token=SECRET)}
    if silent:
        enqueue_decoy(CHANGE_EMAIL, context=context)
    elif owner is not None:
        already_registered(owner)
    else:
        supersede(CHANGE_EMAIL, address)
        to_member(CHANGE_EMAIL, member, rules.token_hash(token), to=address, secret=token, **context)


def email_change_notice(member: Member, address: str) -> None:
    """Notify a member, at the current address, that a change of the address was requested."""
    context: dict[str, Any] = {"address": address, "forgot_url": public_url("PasswordView.forgot")}
    to_member(EMAIL_CHANGE_NOTICE, member, _moment(), **context)


def email_changed(member: Member, old: str, token: str) -> None:
    """Notify a member, at the old address, that it was changed, with the link to undo that."""
    expires_at = clock.now() + rules.TOKEN_LIFETIMES[TokenPurpose.UNDO_EMAIL]
    context: dict[str, Any] = {
        "address": member.email,
        "expires_at": expires_at,
        "url": public_url("EmailChangeView.undo", token=SECRET),
    }
    to_member(EMAIL_CHANGED, member, rules.token_hash(token), to=old, secret=token, **context)


def email_change_undone(member: Member, displaced: str) -> None:
    """Notify the reader of an address that it was removed from an account again."""
    to_member(EMAIL_CHANGE_UNDONE, member, _moment(), to=displaced, at=clock.now())


def second_factor_added(member: Member, factor: str, name: str = "") -> None:
    """Notify a member of a new second factor: "app", or "passkey" and its name."""
    _about_factors("second_factor_added", member, factor=factor, factor_name=name)


def identity_linked(member: Member, provider: str) -> None:
    """Notify a member that a login at `provider` was linked with their account."""
    context: dict[str, Any] = {"at": clock.now(), "provider": provider}
    to_member("identity_linked", member, _moment(), identities_url=public_url("IdentityView.list"), **context)


def second_factor_removed(member: Member, factor: str, name: str = "") -> None:
    """Notify a member that a second factor was removed: "app", or "passkey" and its name."""
    _about_factors("second_factor_removed", member, factor=factor, factor_name=name)


def second_factor_reset(member: Member) -> None:
    """Notify a member that an administrator has removed their second factors."""
    _about_factors("second_factor_reset", member)


def recovery_code_used(member: Member, left: int) -> None:
    """Notify a member that a recovery code was used, and how many are left."""
    context: dict[str, Any] = {"left": left, "at": clock.now(), "factors_url": public_url("SecondFactorView.overview")}
    to_member("recovery_code_used", member, _moment(), **context)


def second_step_locked(member: Member, locked_until: datetime) -> None:
    """Notify a member of too many wrong codes after the right password."""
    context: dict[str, Any] = {"locked_until": locked_until, "forgot_url": public_url("PasswordView.forgot")}
    to_member("second_step_locked", member, _moment(), **context)


def _about_factors(kind: str, member: Member, **context: Any) -> None:
    factors_url = public_url("SecondFactorView.overview")
    to_member(kind, member, _moment(), at=clock.now(), factors_url=factors_url, **context)


def api_key_created(member: Member, number: str, key_name: str, scope: object, key_expires_at: datetime) -> None:
    """Notify a member of a new API key."""
    context: dict[str, Any] = {"key_name": key_name, "scope": scope, "key_expires_at": key_expires_at}
    to_member("api_key_created", member, number, keys_url=public_url("ApiKeyView.list"), **context)


def account_deletion_requested(member: Member, token: str, erase_at: datetime, *, by_administrator: bool) -> None:
    """Notify a member when their account will be deleted, with the link to keep it."""
    url = public_url("MyDataView.keep", token=SECRET)
    occasion = rules.token_hash(token)
    to_member(
        "account_deletion_requested",
        member,
        occasion,
        secret=token,
        expires_at=erase_at,
        erase_at=erase_at,
        url=url,
        by_administrator=by_administrator,
    )


def account_deleted(member: Member, calendar: str = "") -> None:
    """Confirm the deletion of an account. Call this while the row still has the address.

    The iCalendar objects in `calendar` remove parties from their calendar.
    """
    to_member(ACCOUNT_DELETED, member, "once", urgent=False, calendar=calendar or None)


def accounts_merged(ending: Member, kept: Member, calendar: str = "") -> None:
    """Tell both addresses of a member which of their accounts is left. Call this while the row still has the address.

    The iCalendar objects in `calendar` remove parties from the calendar of the account that ends.
    """
    names = {"ended": ending.username, "kept": kept.username}
    to_member(ACCOUNTS_MERGED, ending, "once", urgent=False, calendar=calendar or None, **names)
    to_member(ACCOUNTS_MERGED, kept, str(ending.id), urgent=False, **names)


def to_member(  # noqa: PLR0913 - the parts of an e-mail
    kind: str,
    member: Member,
    occasion: str,
    *,
    to: str | None = None,
    urgent: bool = True,
    secret: str | None = None,
    expires_at: datetime | None = None,
    calendar: str | None = None,
    **context: Any,
) -> None:
    """Queue an e-mail of `kind` to `member`, once per `occasion`. `to` replaces the member's address."""
    enqueue(
        EmailRequest(
            kind,
            to=to or member.email,
            name=member.display_name,
            locale=member.locale,
            timezone=member.timezone,
            hour_cycle=member.hour_cycle,
            context={
                "username": member.username,
                "expires_at": expires_at,
                "has_calendar": calendar is not None,
                **context,
            },
            dedupe_key=f"{kind}:{member.id}:{occasion}",
            secret=secret,
            expires_at=expires_at,
            calendar=None if calendar is None else lambda: lambda: calendar,
            priority=URGENT if urgent else ORDINARY,
        )
    )


def _moment() -> str:
    """Return the current time, as the occasion of an e-mail."""
    return f"{clock.now():%Y%m%dT%H%M%S%f}"
