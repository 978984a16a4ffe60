"""OpenLDAP, 389-ds and a domain controller of Samba, with the same people and groups.

noor is in the group Cooks, chief, which is in the group Hosts; adm-noor has her e-mail address. Each directory also has
people whom it does not let in, for its own reasons.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.smtp import free_port

PASSWORD, ROOT_PASSWORD, SERVICE_PASSWORD = "Couscous.Friday1", "Only.For.Root1", "Only.To.Look1"
SUFFIX, DOMAIN = "dc=lab,dc=example", "lab.example"
# Samba always listens at port 389. Nothing else does at this address of the loopback interface.
SAMBA_ADDRESS = "127.0.0.77"
SECONDS = 60
INSTANCE = "dinnerpartytest"


@dataclass(frozen=True)
class Running:
    """A directory that runs: the settings of a site that uses it, its administrator, and whom it refuses, with the refusal."""

    settings: dict[str, str]
    root: str
    people: str
    refused: dict[str, str]
    unique_id: str
    typed: tuple[str, ...] = ("noor",)
    # What disables a person, in LDIF.
    disabling: str = ""
    threshold: int = 0
    environ: dict[str, str] = field(default_factory=dict)

    def dn(self, name: str) -> str:
        """Return the name of a person in the directory."""
        return self.people.format(name=name)

    def modify(self, ldif: str) -> None:
        """Change entries as the administrator of the directory."""
        tool("ldapmodify", "-x", "-H", self.settings["LDAP_SERVER"], "-D", self.root, "-w", ROOT_PASSWORD, ldif=ldif)


def tool(*command: str, ldif: str = "", allowed: tuple[int, ...] = (0,)) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, input=ldif, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode not in allowed:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def process(*command: str, answers: Callable[[], object]) -> Iterator[None]:
    """Run a server until it answers, and end it afterwards."""
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                answers()
                break
            except RuntimeError:
                if started.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield
    finally:
        started.terminate()
        started.wait(SECONDS)


def _entries(people: str, groups: str, names: list[str], **more: str) -> str:
    """Return people and groups in LDIF, as OpenLDAP and 389-ds have them."""
    found = [f"dn: ou={name},{SUFFIX}\nobjectClass: organizationalUnit\nou: {name}\n" for name in ("people", "groups")]
    for name in names:
        email = "noor" if name == "adm-noor" else name
        password = SERVICE_PASSWORD if name == "dinner" else PASSWORD
        found.append(
            f"dn: {people.format(name=name)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: Haddad\n"
            f"givenName: Noor\nmail: {email}@{DOMAIN}\nuserPassword: {password}\n{more.get(name, '')}"
        )
    cooks = f"cn=Cooks\\, chief,{groups}"
    for dn, member in ((cooks, people.format(name="noor")), (f"cn=Hosts,{groups}", cooks)):
        name = dn.partition("=")[2].partition(f",{groups}")[0].replace("\\", "")
        found.append(f"dn: {dn}\nobjectClass: groupOfNames\ncn: {name}\nmember: {member}\n")
    return "\n".join(found)


SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/slapd.pid
database mdb
suffix {suffix}
rootdn cn=root,{suffix}
rootpw {root_password}
directory {folder}/data
overlay ppolicy
ppolicy_default cn=policy,{suffix}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=uid=dinner,ou=people,{suffix} read by self read by * none
"""
POLICY = f"""
dn: cn=policy,{SUFFIX}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMustChange: TRUE
pwdLockout: TRUE
pwdMaxFailure: 10
pwdMaxAge: 7776000
"""


@contextlib.contextmanager
def openldap(folder: Path) -> Iterator[Running]:
    """Run OpenLDAP with its password policy, and without memberOf."""
    (folder / "data").mkdir()
    configuration = folder / "slapd.conf"
    configuration.write_text(SLAPD_CONF.format(folder=folder, suffix=SUFFIX, root_password=ROOT_PASSWORD))
    url = f"ldap://127.0.0.1:{free_port()}"
    people = f"uid={{name}},ou=people,{SUFFIX}"
    names = ["dinner", "noor", "adm-noor", "mustchange", "expired", "leaver"]
    head = f"dn: {SUFFIX}\nobjectClass: domain\ndc: lab\n{POLICY}\n"
    running = Running(
        settings=_settings(url, people, "uid"),
        root=f"cn=root,{SUFFIX}",
        people=people,
        refused={"mustchange": "MUST_CHANGE", "expired": "PASSWORD_EXPIRED"},
        unique_id="entryuuid:",
        typed=("noor", f"noor@{DOMAIN}", "LAB\\noor"),
        disabling="add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z",
    )
    with process("slapd", "-d", "0", "-h", url, "-f", str(configuration), answers=lambda: _answers(url)):
        add(running, head + "\n" + _entries(people, f"ou=groups,{SUFFIX}", names))
        running.modify(f"dn: {running.dn('mustchange')}\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n")
        tool(
            *("ldapmodify", "-x", "-e", "relax", "-H", url, "-D", running.root, "-w", ROOT_PASSWORD),
            ldif=f"dn: {running.dn('expired')}\nchangetype: modify\nreplace: pwdChangedTime\n"
            "pwdChangedTime: 20200101000000Z\n",
        )
        yield running


def add(running: Running, ldif: str) -> None:
    """Add entries."""
    tool("ldapadd", "-x", "-H", running.settings["LDAP_SERVER"], "-D", running.root, "-w", ROOT_PASSWORD, ldif=ldif)


def _answers(url: str) -> str:
    # Some tell nothing to strangers: that is an answer, too.
    return tool("ldapsearch", "-x", "-H", url, "-s", "base", "-b", "", "1.1", allowed=(0, 32, 48, 50, 53))


def _settings(url: str, people: str, uid: str) -> dict[str, str]:
    return {
        "LDAP_SERVER": url,
        "LDAP_SEARCH_BASE": SUFFIX,
        "LDAP_BIND_USER": people.format(name="dinner"),
        "LDAP_BIND_PASSWORD": SERVICE_PASSWORD,
        "LDAP_UID_FIELD": uid,
        # slapd and the others write the comma of Cooks, chief in different ways.
        "LDAP_ADMIN_GROUP": f"cn=Hosts,{'cn=Users' if uid != 'uid' else 'ou=groups'},{SUFFIX}",
    }


DSCREATE = """
import runpy, sys
from lib389.paths import Paths
# No systemd in the tests.
Paths.with_systemd = property(lambda self: False)
sys.argv = ["dscreate", "from-file", sys.argv[1]]
runpy.run_path("/usr/sbin/dscreate", run_name="__main__")
"""
DS_INF = """
[general]
config_version = 2
start = False
full_machine_name = localhost
strict_host_checking = False
selinux = False
systemd = False
[slapd]
instance_name = {instance}
port = {port}
root_password = {root_password}
self_sign_cert = False
[backend-userroot]
suffix = {suffix}
create_suffix_entry = True
sample_entries = no
"""


@contextlib.contextmanager
def ds389(folder: Path) -> Iterator[Running]:
    """Run 389-ds, which also stands under FreeIPA."""
    port = free_port()
    url = f"ldap://127.0.0.1:{port}"
    inf = folder / "ds.inf"
    inf.write_text(DS_INF.format(instance=INSTANCE, port=port, root_password=ROOT_PASSWORD, suffix=SUFFIX))
    places = [Path(place, f"slapd-{INSTANCE}") for place in ("/etc/dirsrv", "/var/lib/dirsrv", "/var/log/dirsrv")]
    people = f"uid={{name}},ou=people,{SUFFIX}"
    running = Running(
        settings=_settings(url, people, "uid"),
        root="cn=Directory Manager",
        people=people,
        refused={"mustchange": "MUST_CHANGE", "expired": "PASSWORD_EXPIRED"},
        unique_id="nsuniqueid:",
        typed=("noor", f"noor@{DOMAIN}", "LAB\\noor"),
        disabling="add: nsAccountLock\nnsAccountLock: true",
    )
    _remove(places)
    try:
        tool("/usr/bin/python3", "-c", DSCREATE, str(inf))
        command = ("ns-slapd", "-D", str(places[0]), "-i", str(folder / "ds.pid"), "-d", "0")
        with process(*command, answers=lambda: _answers(url)):
            names = ["dinner", "noor", "adm-noor", "mustchange", "expired", "leaver"]
            add(running, _entries(people, f"ou=groups,{SUFFIX}", names))
            running.modify(_POLICY_OF_389)
            yield running
    finally:
        _remove(places)


_POLICY_OF_389 = f"""dn: {SUFFIX}
changetype: modify
add: aci
aci: (targetattr!="userPassword")(version 3.0; acl "dinner"; allow (read,search,compare)(userdn="ldap:///uid=dinner,ou=people,{SUFFIX}");)

dn: cn=config
changetype: modify
replace: passwordMustChange
passwordMustChange: on
-
replace: passwordExp
passwordExp: on

dn: uid=mustchange,ou=people,{SUFFIX}
changetype: modify
replace: userPassword
userPassword: {PASSWORD}

dn: uid=expired,ou=people,{SUFFIX}
changetype: modify
replace: passwordExpirationTime
passwordExpirationTime: 20200101000000Z
"""


def _remove(places: list[Path]) -> None:
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def samba(folder: Path) -> Iterator[Running]:
    """Run a domain controller of Samba, which is an Active Directory."""
    target = folder / "dc"
    target.mkdir()
    tool(
        *("samba-tool", "domain", "provision", f"--realm={DOMAIN.upper()}", "--domain=LAB", "--server-role=dc"),
        *("--dns-backend=NONE", f"--adminpass={ROOT_PASSWORD}", f"--targetdir={target}"),
        *("--host-name=dc1", "--host-ip=127.0.0.1"),
    )
    configuration = target / "etc" / "smb.conf"
    lines = configuration.read_text().splitlines()
    lines = [line for line in lines if not line.strip().startswith(("server services", "log file", "pid directory"))]
    own = [
        *("server services = ldap", f"interfaces = {SAMBA_ADDRESS}/8", "bind interfaces only = yes"),
        *("ldap server require strong auth = no", f"pid directory = {folder}", f"log file = {folder}/log.%m"),
    ]
    at = lines.index("[global]") + 1
    configuration.write_text("\n".join([*lines[:at], *own, *lines[at:]]))
    url = f"ldap://{SAMBA_ADDRESS}"
    people = f"CN={{name}} Haddad,CN=Users,{SUFFIX}"
    running = Running(
        settings={**_settings(url, people, "sAMAccountName"), "LDAP_BIND_USER": f"dinner@{DOMAIN}"},
        root=f"Administrator@{DOMAIN}",
        people=people,
        refused={"mustchange": "MUST_CHANGE", "expired": "ACCOUNT_EXPIRED", "disabled": "DISABLED"},
        unique_id="objectguid:",
        typed=("noor", f"noor@{DOMAIN}", "LAB\\noor"),
        disabling="replace: userAccountControl\nuserAccountControl: 514",
        threshold=10,
    )
    _fill_samba(configuration, target / "private" / "sam.ldb", running)
    command = ("samba", "-F", "-M", "single", "-s", str(configuration), "--no-process-group")
    with process(*command, answers=lambda: _answers(url)):
        yield running


def _fill_samba(configuration: Path, database: Path, running: Running) -> None:
    here = ("-s", str(configuration), "-H", str(database))
    for name in ("dinner", "noor", "adm-noor", "mustchange", "expired", "disabled", "leaver", "locked"):
        email = "noor" if name == "adm-noor" else name
        tool(
            *("samba-tool", "user", "create", *here, name, SERVICE_PASSWORD if name == "dinner" else PASSWORD),
            *(f"--given-name={name}", "--surname=Haddad", f"--mail-address={email}@{DOMAIN}"),
        )
    tool("samba-tool", "group", "add", *here, "Hosts")
    tool("samba-tool", "contact", "create", *here, "guest", f"--mail-address=leaver@{DOMAIN}")
    threshold = f"--account-lockout-threshold={running.threshold}"
    tool("samba-tool", "domain", "passwordsettings", "set", *here, threshold)
    cooks = f"CN=Cooks\\, chief,CN=Users,{SUFFIX}"
    tool(
        *("ldbmodify", "-H", str(database)),
        ldif=f"dn: {cooks}\nchangetype: add\nobjectClass: group\nsAMAccountName: Cooks\nmember: {running.dn('noor')}\n\n"
        f"dn: CN=Hosts,CN=Users,{SUFFIX}\nchangetype: modify\nadd: member\nmember: {cooks}\n\n"
        f"dn: {running.dn('mustchange')}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: 0\n\n"
        f"dn: {running.dn('expired')}\nchangetype: modify\nreplace: accountExpires\naccountExpires: 130000000000000000\n\n"
        f"dn: {running.dn('disabled')}\nchangetype: modify\n{running.disabling}\n",
    )


SERVERS = {
    "OpenLDAP": ("slapd", openldap),
    "389-ds": ("ns-slapd", ds389),
    "Samba": ("samba", samba),
}
