"""What can be wrong with a directory, or with its settings, and what the operator of the site can do."""

from enum import Enum


class Problem(Enum):
    """A mistake in the settings, or a failure of a server: what is wrong, and what to do."""

    HOST = (
        "The host of the server is unknown.",
        "Correct the name in LDAP_SERVER, or the name servers of this machine.",
    )
    PORT = (
        "Nothing listens at the port of the server.",
        "Start the directory, or correct the port in LDAP_SERVER: ldap has 389, ldaps has 636.",
    )
    NO_ANSWER = (
        "The server does not answer as a directory does.",
        "Check LDAP_SERVER (ldaps: for port 636, ldap: for 389) and the firewalls between here and there.",
    )
    CERTIFICATE = (
        "The certificate of the server is not trusted.",
        "Name the file of its authority in LDAP_CA_FILE, and in LDAP_SERVER the host for which it was issued.",
    )
    TLS = ("TLS could not be started.", "Check LDAP_CA_FILE, and whether ldaps: is right for this port.")
    STARTTLS = (
        "The server refuses STARTTLS.",
        "Let the server have a certificate, or use an ldaps: URL and remove LDAP_USE_TLS.",
    )
    TLS_REQUIRED = (
        "The server accepts passwords over TLS only.",
        "Set LDAP_USE_TLS=yes, or use an ldaps: URL in LDAP_SERVER.",
    )
    BIND_NAME = (
        "The directory does not know LDAP_BIND_USER.",
        "Write the full name of the service account (DN); Active Directory also takes user@domain.",
    )
    BIND_PASSWORD = (
        "The directory does not accept LDAP_BIND_USER with LDAP_BIND_PASSWORD.",
        "Correct the password. Some directories do not tell that the name is wrong, so check it, too.",
    )
    NOT_ANONYMOUS = (
        "The directory lets nobody search without a name.",
        "Set LDAP_BIND_USER and LDAP_BIND_PASSWORD to a service account.",
    )
    BASE = (
        "The base of the search does not exist, or LDAP_BIND_USER may not see it.",
        "Correct LDAP_SEARCH_BASE (and LDAP_GROUP_BASE if it is set).",
    )
    FILTER = ("The directory does not understand the filter.", "Correct LDAP_SEARCH_FILTER.")
    RIGHTS = (
        "LDAP_BIND_USER may not search there.",
        "Give the service account the right to read people and groups below LDAP_SEARCH_BASE.",
    )
    NOBODY = (
        "Nobody is found below LDAP_SEARCH_BASE.",
        "Correct LDAP_SEARCH_FILTER or LDAP_UID_FIELD, or give LDAP_BIND_USER the right to read people.",
    )
    NO_UNIQUE_ID = (
        "People have no unique id that LDAP_BIND_USER may read.",
        "Let the service account read entryUUID, objectGUID, nsUniqueId or ipaUniqueID, or set LDAP_UNIQUE_ID_FIELD.",
    )
    NO_EMAIL = (
        "People have no e-mail address that LDAP_BIND_USER may read.",
        "Correct LDAP_EMAIL_FIELD, or let the service account read it.",
    )
    NO_ADMIN_GROUP = (
        "LDAP_ADMIN_GROUP does not exist, or LDAP_BIND_USER may not see it.",
        "Write the full name of the group (DN). Until then nobody becomes an administrator by it.",
    )
    OTHER = ("The directory has refused a request.", "Read what it told, and its log.")

    def __init__(self, text: str, advice: str) -> None:
        self.text = text
        self.advice = advice

    @property
    def is_of_one_server(self) -> bool:
        """Whether another server of the directory may answer."""
        return self in {
            *(Problem.HOST, Problem.PORT, Problem.NO_ANSWER, Problem.CERTIFICATE),
            *(Problem.TLS, Problem.STARTTLS),
        }


class LdapUnreachableError(Exception):
    """The directory cannot be reached, or does not answer as it should. The text is for the log."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(f"{problem.text} ({detail})" if detail else problem.text)
        self.problem = problem
        self.detail = detail
