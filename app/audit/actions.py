"""The actions and subjects of the audit log, with their labels."""

from flask_babel import lazy_gettext

from app.enums import LabelledEnum


class AuditAction(LabelledEnum):
    """What was done."""

    REGISTERED = "registered", lazy_gettext("Registered")
    ACTIVATED = "activated", lazy_gettext("Activated the account")
    REGISTRATION_DISCARDED = "registration_discarded", lazy_gettext("Discarded a registration")
    MEMBER_INVITED = "member_invited", lazy_gettext("Invited someone to register")
    INVITATION_WITHDRAWN = "invitation_withdrawn", lazy_gettext("Withdrew an invitation to register")
    LOGGED_IN = "logged_in", lazy_gettext("Logged in")
    API_LOGGED_IN = "api_logged_in", lazy_gettext("Logged in with a program")
    LOGIN_FAILED = "login_failed", lazy_gettext("Failed to log in")
    LOCKED_OUT = "locked_out", lazy_gettext("Was locked out after too many attempts")
    UNLOCKED = "unlocked", lazy_gettext("Ended a lockout")
    LOGGED_OUT = "logged_out", lazy_gettext("Logged out")
    REAUTHENTICATED = "reauthenticated", lazy_gettext("Confirmed their identity again")
    SESSION_REVOKED = "session_revoked", lazy_gettext("Signed out a device")
    SESSIONS_ENDED = "sessions_ended", lazy_gettext("Signed out everywhere")
    PASSWORD_RESET_ASKED = "password_reset_asked", lazy_gettext("Requested a new password")
    PASSWORD_RESET = "password_reset", lazy_gettext("Reset the password by e-mail")
    PASSWORD_CHANGED = "password_changed", lazy_gettext("Changed the password")
    PASSWORD_SET = "password_set", lazy_gettext("Set a password for a user")
    EMAIL_CHANGE_ASKED = "email_change_asked", lazy_gettext("Requested a change of e-mail address")
    EMAIL_CHANGED = "email_changed", lazy_gettext("Changed the e-mail address")
    EMAIL_CHANGE_UNDONE = "email_change_undone", lazy_gettext("Restored the previous e-mail address")
    PROFILE_CHANGED = "profile_changed", lazy_gettext("Changed the profile")
    SECOND_STEP_FAILED = "second_step_failed", lazy_gettext("Failed the second factor check")
    TOTP_ADDED = "totp_added", lazy_gettext("Added an authenticator app")
    TOTP_REMOVED = "totp_removed", lazy_gettext("Removed the authenticator app")
    RECOVERY_CODES_MADE = "recovery_codes_made", lazy_gettext("Created new recovery codes")
    RECOVERY_CODE_USED = "recovery_code_used", lazy_gettext("Used a recovery code")
    PASSKEY_ADDED = "passkey_added", lazy_gettext("Added a passkey")
    PASSKEY_REMOVED = "passkey_removed", lazy_gettext("Removed a passkey")
    PASSKEY_RENAMED = "passkey_renamed", lazy_gettext("Renamed a passkey")
    PASSKEY_REFUSED = "passkey_refused", lazy_gettext("Tried to use a passkey that may have been copied")
    IDENTITY_LINKED = "identity_linked", lazy_gettext("Linked a login from another site")
    IDENTITY_UNLINKED = "identity_unlinked", lazy_gettext("Unlinked a login from another site")
    DIRECTORY_LINKED = "directory_linked", lazy_gettext("Linked a person of the directory with an account")
    DIRECTORY_UNLINKED = "directory_unlinked", lazy_gettext("Unlinked a person of the directory from an account")
    DIRECTORY_CONTESTED = "directory_contested", lazy_gettext("Tried to log in with the name of another account")
    API_KEY_CREATED = "api_key_created", lazy_gettext("Created an API key")
    API_KEY_REVOKED = "api_key_revoked", lazy_gettext("Revoked an API key")
    DATA_EXPORTED = "data_exported", lazy_gettext("Exported their data")
    ERASING_ASKED = "erasing_asked", lazy_gettext("Requested account deletion")
    ERASING_SCHEDULED = "erasing_scheduled", lazy_gettext("Scheduled the deletion of an account")
    ERASING_CANCELLED = "erasing_cancelled", lazy_gettext("Cancelled the account deletion")
    ERASED = "erased", lazy_gettext("Account was deleted")
    MEMBER_CREATED = "member_created", lazy_gettext("Created a user")
    MEMBER_CHANGED = "member_changed", lazy_gettext("Changed a user")
    MEMBER_MERGED = "member_merged", lazy_gettext("Merged another account into this one")
    MEMBER_DELETED = "member_deleted", lazy_gettext("Deleted a user")
    MEMBERS_EXPORTED = "members_exported", lazy_gettext("Downloaded a file with the users")
    MEMBER_BANNED = "member_banned", lazy_gettext("Banned a user")
    MEMBER_UNBANNED = "member_unbanned", lazy_gettext("Lifted a ban")
    MEMBER_SIGNED_OUT = "member_signed_out", lazy_gettext("Signed a user out everywhere")
    SECOND_FACTOR_RESET = "second_factor_reset", lazy_gettext("Removed a user's second factor")
    ROLE_CREATED = "role_created", lazy_gettext("Created a role")
    ROLE_CHANGED = "role_changed", lazy_gettext("Changed a role")
    ROLE_DELETED = "role_deleted", lazy_gettext("Deleted a role")
    GROUP_CREATED = "group_created", lazy_gettext("Created a group")
    GROUP_CHANGED = "group_changed", lazy_gettext("Changed a group")
    GROUP_DELETED = "group_deleted", lazy_gettext("Deleted a group")
    PARTY_HIDDEN = "party_hidden", lazy_gettext("Hid a party")
    PARTY_SHOWN = "party_shown", lazy_gettext("Made a hidden party visible again")
    PARTY_DELETED = "party_deleted", lazy_gettext("Deleted a party")
    REPORT_DISMISSED = "report_dismissed", lazy_gettext("Dismissed a report")
    GUEST_REMOVED = "guest_removed", lazy_gettext("Removed a guest")
    PERSONAL_LINK_SHOWN = "personal_link_shown", lazy_gettext("Looked at the personal link of a guest")
    # What generated pages do with rows that have no words of their own.
    ADDED = "added", lazy_gettext("Added an entry")
    CHANGED = "changed", lazy_gettext("Changed an entry")
    DELETED = "deleted", lazy_gettext("Deleted an entry")
    UNDONE = "undone", lazy_gettext("Undid a change")
    RESTORED = "restored", lazy_gettext("Restored what was deleted")
    DASHBOARD_CREATED = "dashboard_created", lazy_gettext("Created a dashboard")
    DASHBOARD_CHANGED = "dashboard_changed", lazy_gettext("Changed a dashboard")
    DASHBOARD_SHARED = "dashboard_shared", lazy_gettext("Chose with whom a dashboard is shared")
    DASHBOARD_MADE_GLOBAL = "dashboard_made_global", lazy_gettext("Showed a dashboard to everybody")
    DASHBOARD_MADE_OWN = "dashboard_made_own", lazy_gettext("Stopped showing a dashboard to everybody")
    DASHBOARD_DELETED = "dashboard_deleted", lazy_gettext("Deleted a dashboard")


class AuditSubject(LabelledEnum):
    """What it was done to."""

    MEMBER = "member", lazy_gettext("User")
    REGISTRATION = "registration", lazy_gettext("Registration")
    INVITATION = "invitation", lazy_gettext("Invitation")
    ROLE = "role", lazy_gettext("Role")
    GROUP = "group", lazy_gettext("Group")
    PARTY = "party", lazy_gettext("Party")
    REPORT = "report", lazy_gettext("Report")
    ANSWER = "answer", lazy_gettext("Answer")
    DASHBOARD = "dashboard", lazy_gettext("Dashboard")
    DASHBOARD_MEMBER = "dashboard_member", lazy_gettext("Member of a dashboard")
    MENU_ITEM = "menu_item", lazy_gettext("Dish")
    DISH_SLOT = "dish_slot", lazy_gettext("Requested dish")
    SERIES = "party_series", lazy_gettext("Series of parties")
    UNREACHABLE = "unreachable_address", lazy_gettext("Unreachable address")
    INBOUND = "inbound_message", lazy_gettext("Received e-mail")


# Labels of the columns in `before` and `after`. A column without a label is shown by its name.
COLUMNS = {
    "username": lazy_gettext("Username"),
    "email": lazy_gettext("E-mail address"),
    "first_name": lazy_gettext("First name"),
    "last_name": lazy_gettext("Last name"),
    "name": lazy_gettext("Name"),
    "active": lazy_gettext("Active"),
    "locale": lazy_gettext("Language"),
    "timezone": lazy_gettext("Time zone"),
    "hour_cycle": lazy_gettext("Clock"),
    "roles": lazy_gettext("Roles"),
    "groups": lazy_gettext("Groups"),
    # The same in entries that were written before.
    "memberships": lazy_gettext("Groups"),
    "reason": lazy_gettext("Reason"),
    "filters": lazy_gettext("Filters"),
    "sessions": lazy_gettext("Sessions ended"),
    "diets": lazy_gettext("Diet"),
    "allergens": lazy_gettext("Allergens"),
    "second_factor_required": lazy_gettext("Second factor required"),
    "added": lazy_gettext("Permissions added"),
    "removed": lazy_gettext("Permissions removed"),
    "status": lazy_gettext("Status"),
    "reports": lazy_gettext("Reports upheld"),
    "host": lazy_gettext("Host"),
    "category": lazy_gettext("Category"),
    "description": lazy_gettext("Description"),
    "members": lazy_gettext("Members"),
}
