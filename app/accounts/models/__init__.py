"""The tables of accounts.

people    members, registrations, invitations
access    roles, and the version of what they may do
logins    logins, devices, the counters that keep guessers out, identities elsewhere
factors   authenticator apps, recovery codes, passkeys
tokens    what stands in links and between two steps
"""

from app.accounts.models.access import ADMIN, GUEST, PUBLIC, TRANSLATOR, AccessVersion, Role
from app.accounts.models.factors import Passkey, RecoveryCode, Totp
from app.accounts.models.logins import Device, ExternalIdentity, LoginGuard, LoginSession
from app.accounts.models.people import Member, MemberInvitation, Registration, new_stamp
from app.accounts.models.tokens import Token

__all__ = [
    "ADMIN",
    "GUEST",
    "PUBLIC",
    "TRANSLATOR",
    "AccessVersion",
    "Device",
    "ExternalIdentity",
    "LoginGuard",
    "LoginSession",
    "Member",
    "MemberInvitation",
    "Passkey",
    "RecoveryCode",
    "Registration",
    "Role",
    "Token",
    "Totp",
    "new_stamp",
]
