"""Real LDAP directories (ldaptor) in their own process, on the loopback interface.

They have the same entries and differ in their modes: private allows searches only after a bind, open to everybody;
starttls requires StartTLS before a bind, false-name has a certificate of another host, ldaps uses TLS from the start;
hanging never responds, babbling speaks another protocol. Like some real ones, they accept an empty password as an
anonymous bind.
"""

import contextlib
import ipaddress
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import config
from tests.support.smtp import HOST

BASE = "ou=people,dc=example,dc=com"
COOKS = r"cn=Cooks\, chief,ou=groups,dc=example,dc=com"
ADMINS = "cn=admins,ou=groups,dc=example,dc=com"
SERVICE, SERVICE_PASSWORD = "cn=dinner,dc=example,dc=com", "only to look"
PASSWORD = "couscous on friday"
MODES = "private", "open", "starttls", "false-name", "ldaps", "hanging", "babbling"
PRIVATE, OPEN, STARTTLS, FALSE_NAME, LDAPS, HANGING, BABBLING = MODES
PEOPLE = f"""\
dn: dc=example,dc=com
objectClass: dcObject
dc: example

dn: {SERVICE}
objectClass: person
cn: dinner
userPassword: {SERVICE_PASSWORD}

dn: {BASE}
objectClass: organizationalUnit
ou: people

dn: uid=ada,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "ada")}
uid: ada
employeeNumber: 1815
givenName: Ada
sn: Byron
mail: Ada@example.com
userPassword: {PASSWORD}

dn: uid=grace,{BASE}
objectClass: inetOrgPerson
entryUUID: e8adc232-8c18-50c8-9626-fa88cf30e638
uid: grace
givenName: Grace
sn: Hopper
mail: grace@example.com
memberOf: CN=Admins, OU=groups, DC=example, DC=com
userPassword: {PASSWORD}

dn: uid=nomail,{BASE}
objectClass: inetOrgPerson
entryUUID: 4777c37b-f39a-53e1-a4f8-5fb8f9faff2d
uid: nomail
sn: Quiet
userPassword: {PASSWORD}

dn: uid=odd name,{BASE}
objectClass: inetOrgPerson
entryUUID: 63b796e9-ba46-5057-9725-b12d132526c4
uid: odd name
sn: Odd
mail: odd@example.com
userPassword: {PASSWORD}

dn: uid=twin,{BASE}
objectClass: inetOrgPerson
entryUUID: 44ba568b-bbde-5d8b-bb11-89a6337d9c54
uid: twin
sn: First
mail: twins@example.com
userPassword: {PASSWORD}

dn: uid=other,{BASE}
objectClass: inetOrgPerson
entryUUID: d0db777f-e58b-5ff4-84ba-af70aae4a2e4
uid: other
sn: Second
mail: twins@example.com
userPassword: {PASSWORD}

dn: uid=nested,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "nested")}
uid: nested
sn: Nested
mail: nested@example.com
userPassword: {PASSWORD}

dn: uid=disabled,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "disabled")}
uid: disabled
sn: Disabled
mail: disabled@example.com
nsAccountLock: TRUE
userPassword: {PASSWORD}

dn: uid=expired,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "expired")}
uid: expired
sn: Expired
mail: expired@example.com
description: 80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 532, v1db1
userPassword: {PASSWORD}

dn: cn=contact,{BASE}
objectClass: contact
cn: contact
mail: Ada@example.com

dn: ou=contractors,{BASE}
objectClass: organizationalUnit
ou: contractors

dn: uid=same,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "same")}
uid: same
sn: Same
mail: same@example.com
userPassword: {PASSWORD}

dn: uid=same,ou=contractors,{BASE}
objectClass: inetOrgPerson
entryUUID: {uuid.uuid5(uuid.NAMESPACE_DNS, "contractor")}
uid: same
sn: Contractor
mail: contractor@example.com
userPassword: {PASSWORD}

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: {ADMINS}
objectClass: groupOfNames
cn: admins
member: {COOKS}

dn: {COOKS}
objectClass: groupOfNames
cn: Cooks, chief
member: uid=nested,{BASE}

"""


def unique_id(name: str) -> str:
    """Return the unique id of a person, as it is stored."""
    return f"entryuuid:{uuid.uuid5(uuid.NAMESPACE_DNS, name)}"


@dataclass(frozen=True)
class Directory:
    """A directory that listens on `port`; `certificate` is the file of its certificate."""

    port: int
    certificate: Path

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings for a site that uses it."""
        return {
            "LDAP_SERVER": f"ldap://{HOST}:{self.port}",
            "LDAP_SEARCH_BASE": BASE,
            "LDAP_ADMIN_GROUP": ADMINS,
            "LDAP_BIND_USER": SERVICE,
            "LDAP_BIND_PASSWORD": SERVICE_PASSWORD,
            **more,
        }


@contextlib.contextmanager
def running_directories(place: Path) -> Iterator[dict[str, Directory]]:
    """Run a directory for each of MODES on a free port; their files are in `place`."""
    certificates = {mode: make_certificate(place, "other.example" if mode == FALSE_NAME else HOST) for mode in MODES}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.ldap_server", *map(str, certificates.values())],
        cwd=config.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ports = process.stdout.readline().split()
        yield {mode: Directory(int(port), certificates[mode]) for mode, port in zip(MODES, ports, strict=True)}
    finally:
        process.kill()
        process.communicate()


def make_certificate(place: Path, name: str) -> Path:
    """Write a key and a self-signed certificate for `name`; return the file of both."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    called = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([called]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = place / f"{name}.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
