"""People of a directory and their accounts: who is who, why they are refused, and who has left."""

from datetime import UTC, datetime, timedelta

import pytest

import config
from app import clock, doctor
from app.accounts import rules
from app.accounts.api_keys import service as api_key_service
from app.accounts.ldap import checks, client
from app.accounts.ldap.entries import LdapEntry, domain_of, filter_of, normalize_dn
from app.accounts.ldap.refusals import EXPIRED_CONTROL, POLICY_CONTROL, Refusal, of_bind
from app.accounts.models import DirectoryPerson, LoginSession, LoginThrottle, Member
from app.accounts.users import directory
from app.database import transaction
from app.extensions import db
from config import ConfigurationError
from tests.accounts.test_ldap import WRONG, assert_in, linked, log_in, roles
from tests.support import ldap
from tests.support.factories import ApiKeyFactory, DirectoryPersonFactory, MemberFactory

OTHERS = "There is an account here with your username or your e-mail address"


@pytest.fixture(autouse=True)
def _ask_anew(monkeypatch):
    """Nobody was looked at yet, and no server has failed."""
    monkeypatch.setattr(directory, "_looked_at", {})
    monkeypatch.setattr(client, "_failed_at", {})


# -- who is who


@pytest.mark.parametrize(
    "account",
    [
        {"username": "ada"},
        {"username": "ada", "email": "other@example.com"},
        {"username": "elsewhere", "email": "ada@example.com"},
        {"username": "ada", "password": None, "email": "other@example.com"},
    ],
)
def test_an_account_with_the_name_or_address_of_a_person_is_not_taken_over(visitor, people, records, account):
    owner = MemberFactory(**account)
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes[0][0]) == (403, "danger")
    assert page.flashes[0][1].startswith(OTHERS)
    assert records.one(Member).login_count in {None, 0}
    question = records.one(DirectoryPerson)
    assert (question.member_id, question.contested_id, question.unique_id) == (None, owner.id, ldap.unique_id("ada"))


def test_a_newcomer_with_the_name_of_a_leaver_gets_another_account(visitor, people, records):
    """The leaver is linked with a unique id that the directory has no more."""
    leaver = MemberFactory(username="ada")
    DirectoryPersonFactory(person=leaver, unique_id="entryuuid:gone")
    assert log_in(visitor, "ada").flashes[0][1].startswith(OTHERS)
    assert records.fresh(leaver).login_count is None


def test_a_person_is_known_by_any_of_their_unique_ids(visitor, people, use, records):
    """Another field may be chosen later."""
    use(people.settings(LDAP_UNIQUE_ID_FIELD="employeeNumber"))
    member = linked("ada")
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert (records.one(Member).id, records.one(DirectoryPerson).unique_id) == (member.id, "employeenumber:1815")


def test_an_account_of_an_earlier_version_is_linked_if_name_and_address_are_the_same(visitor, people, records):
    MemberFactory(username="ada", password=None)
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.one(DirectoryPerson).member_id == records.one(Member).id


def test_an_account_follows_a_person_who_is_renamed(visitor, people, records):
    member = MemberFactory(username="augusta", email="augusta@example.com")
    DirectoryPersonFactory(person=member, unique_id=ldap.unique_id("ada"))
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert (records.one(Member).username, records.one(Member).email) == ("ada", "ada@example.com")


def test_an_address_that_was_handed_on_goes_to_who_has_it(visitor, people, records):
    leaver = MemberFactory(username="leaver", email="ada@example.com")
    DirectoryPersonFactory(person=leaver, unique_id="entryuuid:gone")
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.fresh(leaver).email.endswith("@directory.invalid")


def test_two_people_with_one_address_do_not_shut_each_other_out(visitor, new_visitor, people, records):
    for name in ("twin", "other"):
        assert log_in(new_visitor(), name).status == 200
    emails = {member.username: member.email for member in records.all(Member)}
    assert emails["twin"] == "twins@example.com"
    assert emails["other"].endswith("@directory.invalid")
    # By the address alone, nobody knows who is meant.
    assert log_in(visitor, "twins@example.com").flashes == WRONG


@pytest.mark.parametrize("name", ["same", "same@example.com", "contractor@example.com"])
def test_a_username_of_two_people_lets_nobody_in_whatever_is_typed(visitor, people, records, name):
    assert log_in(visitor, name).flashes == WRONG
    assert records.count(Member) == 0


@pytest.mark.parametrize("name", ["EXAMPLE\\nested", "nested@example.com"])
def test_names_are_understood_as_windows_people_type_them(visitor, people, name):
    assert log_in(visitor, name).status == 200


# -- what an administrator decides


def act(visitor, name, row):
    return visitor.submit(visitor.get("/directory/list/").form(f"/directory/action/{name}/{row.id}"))


def question(visitor, records, **account):
    """Return the account of somebody else, and the question that a login as ada has asked about it."""
    owner = MemberFactory(username="ada", **account)
    log_in(visitor, "ada")
    return owner, records.one(DirectoryPerson)


def test_an_administrator_gives_a_person_an_account_in_the_list(visitor, new_visitor, people, records):
    owner, row = question(visitor, records)
    boss = new_visitor()
    boss.log_in_as(MemberFactory(username="boss2", admin=True))
    page = boss.post(f"/directory/action/confirm/{row.id}")
    assert page.flashes == [("info", "1 person can log in now.")]
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.fresh(owner).login_count == 1


def test_an_administrator_keeps_two_people_apart(visitor, new_visitor, people, records):
    owner, row = question(visitor, records)
    boss = new_visitor()
    boss.log_in_as(MemberFactory(username="boss2", admin=True))
    page = boss.post(f"/directory/action/separate/{row.id}")
    assert page.flashes == [("info", "1 person gets a new account at the next login.")]
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    owner = records.fresh(owner)
    assert (owner.username, owner.email.endswith("@directory.invalid"), owner.login_count) == ("ada2", True, None)


def test_an_administrator_chooses_another_account_or_none(visitor, new_visitor, people, records):
    member, other = linked("ada"), MemberFactory(username="augusta")
    visitor.log_in_as(member)
    boss = new_visitor()
    boss.log_in_as(MemberFactory(username="boss2", admin=True))
    row = records.one(DirectoryPerson)
    form = boss.get(f"/directory/edit/{row.id}").form(f"/directory/edit/{row.id}")
    assert boss.submit(form, member="augusta").status == 200
    assert records.one(DirectoryPerson).member_id == other.id
    # Whose account it was is signed out.
    assert visitor.get("/account/profile/").path == "/login/"
    form = boss.get(f"/directory/edit/{row.id}").form(f"/directory/edit/{row.id}")
    boss.submit(form, member="")
    assert (records.one(DirectoryPerson).member_id, records.one(DirectoryPerson).contested_id) == (None, other.id)


def test_commands_link_unlink_and_separate(app, people, records):
    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["directory", *arguments])
        return result.exit_code, result.output.strip()

    member = MemberFactory(username="ada")
    assert run("link", "ada", "nobody") == (
        1,
        "Error: There is nobody of that name in the directory, or more than one.",
    )
    assert run("link", "ada", "grace") == (0, f"uid=grace,{ldap.BASE} can log in to the account ada now.")
    assert records.one(DirectoryPerson).member_id == member.id
    assert run("unlink", "ada") == (0, f"uid=grace,{ldap.BASE} cannot log in to the account ada any more.")
    assert run("link", "--all") == (0, "Linked accounts: ada.")
    assert run("separate", "grace") == (0, "grace gets an account at the next login. The other one is called ada now.")
    assert run("admin", "ada")[0] == 1


def test_without_an_admin_group_a_command_makes_administrators(app, use, running, records):
    use(running[ldap.PRIVATE].settings(LDAP_ADMIN_GROUP=""))
    result = app.test_cli_runner().invoke(args=["directory", "admin", "ada"])
    assert result.output == "ada is an administrator now.\n"
    assert roles(records, records.one(Member)) == ["Admin", "Guest"]


def test_setup_makes_no_administrator_whose_password_opens_nothing(app, people, records, monkeypatch):
    result = app.test_cli_runner().invoke(args=["setup", "--demo"])
    assert "Password" not in result.output
    assert f"Administrators are the members of {ldap.ADMINS}." in result.output
    assert records.count(Member) == 0


# -- groups


def test_members_of_nested_groups_are_administrators(visitor, people, records):
    log_in(visitor, "nested")
    assert roles(records, records.one(Member)) == ["Admin"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"CN=Cooks\, chief,DC=x", r"cn=Cooks\2C chief, dc=X"),
        (r"cn=J\C3\B6rg,dc=x", "CN=jörg,dc=x"),
        ("CN=a+SN=b,dc=x", "sn=B+cn=A,dc=x"),
        (r"cn=a b\ ,dc=x", r"CN=A  B\20 , DC=x"),
        (r"cn=a\+b,dc=x", r"cn=a\2Bb,dc=x"),
    ],
)
def test_names_of_groups_are_compared_as_distinguished_names(one, other):
    assert normalize_dn(one) == normalize_dn(other) != normalize_dn("cn=a,dc=x")


def test_the_domain_of_a_directory_is_that_of_its_names():
    assert domain_of("OU=x,DC=lab,DC=example") == "lab.example"
    assert domain_of("nonsense") == ""


# -- unique ids, and who is disabled

GUID = bytes.fromhex("1ac298e8043aae4b8fd6803d1907838d")


@pytest.mark.parametrize(
    ("attributes", "unique_id", "criteria"),
    [
        (
            {"objectguid": [GUID], "entryuuid": [b"x"]},
            "objectguid:e898c21a-3a04-4bae-8fd6-803d1907838d",
            r"(objectGUID=\1a\c2\98\e8\04\3a\ae\4b\8f\d6\80\3d\19\07\83\8d)",
        ),
        ({"nsuniqueid": [b"04F5-1"], "entryuuid": [b"x"]}, "nsuniqueid:04f5-1", r"(nsuniqueid=\30\34\66\35\2d\31)"),
        ({"entryuuid": [b"ab"]}, "entryuuid:ab", r"(entryuuid=\61\62)"),
    ],
)
def test_each_directory_has_its_unique_id(attributes, unique_id, criteria):
    assert LdapEntry("cn=x", attributes).unique_id() == unique_id
    assert filter_of(unique_id) == criteria


@pytest.mark.parametrize(
    ("field", "value", "is_disabled"),
    [
        ("userAccountControl", b"514", True),
        ("userAccountControl", b"512", False),
        ("accountExpires", b"130000000000000000", True),
        ("accountExpires", b"9223372036854775807", False),
        ("accountExpires", b"0", False),
        ("nsAccountLock", b"TRUE", True),
        ("pwdAccountLockedTime", b"000001010000Z", True),
        ("pwdAccountLockedTime", b"20260101000000Z", False),
    ],
)
def test_an_entry_tells_that_it_is_disabled(field, value, is_disabled):
    entry = LdapEntry("cn=x", {field.lower(): [value]})
    assert entry.is_disabled(datetime(2026, 1, 1, tzinfo=UTC)) == is_disabled


# -- why a right password is refused


def control(name, value):
    return {name: {"description": "", "criticality": False, "value": value}}


@pytest.mark.parametrize(
    ("result", "refusal"),
    [
        # As Samba, 389-ds and OpenLDAP have answered.
        ({"result": 49, "message": "80090308: LdapErr: DSID-0C0903A9, comment: error, data 773, v1db1"}, "MUST_CHANGE"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 532, v1db1"}, "PASSWORD_EXPIRED"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 533, v1db1"}, "DISABLED"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 701, v1db1"}, "ACCOUNT_EXPIRED"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 530, v1db1"}, "HOURS"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 531, v1db1"}, "WORKSTATION"),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 52e, v1db1"}, None),
        ({"result": 49, "message": "comment: AcceptSecurityContext error, data 775, v1db1"}, None),
        ({"result": 0, "message": "", "controls": control(EXPIRED_CONTROL, b"0")}, "MUST_CHANGE"),
        ({"result": 49, "message": "", "controls": control(EXPIRED_CONTROL, b"0")}, "PASSWORD_EXPIRED"),
        (
            {
                "result": 0,
                "controls": control(
                    POLICY_CONTROL, b"0\x84\x00\x00\x00\x0c\xa0\x84\x00\x00\x00\x03\x80\x01\x00\x81\x01\x02"
                ),
            },
            "MUST_CHANGE",
        ),
        (
            {"result": 49, "controls": control(POLICY_CONTROL, b"0\x84\x00\x00\x00\x03\x81\x01\x00")},
            "PASSWORD_EXPIRED",
        ),
        # Locked, which comes with any password, and a warning that has the same tag inside.
        ({"result": 53, "controls": control(POLICY_CONTROL, b"0\x84\x00\x00\x00\x03\x81\x01\x01")}, None),
        ({"result": 0, "controls": control(POLICY_CONTROL, b"0\x05\xa0\x03\x81\x01\x00")}, None),
        ({"result": 0, "controls": control(POLICY_CONTROL, b"")}, None),
    ],
)
def test_a_directory_tells_why_it_refuses_a_right_password(result, refusal):
    assert of_bind(result) == (Refusal[refusal] if refusal else None)


def test_the_reason_is_told_after_the_right_password_only(visitor, people, records):
    assert log_in(visitor, "expired", "wrong").flashes == WRONG
    page = log_in(visitor, "expired")
    assert (page.status, page.flashes) == (403, [("danger", str(Refusal.PASSWORD_EXPIRED.label))])
    assert records.count(Member) == 0
    assert records.one(LoginThrottle).failures == 1


# -- failures


def test_failures_are_counted_by_the_person_whatever_is_typed(visitor, people, records):
    for name in ("ada", "ada@example.com", "EXAMPLE\\ada", "Ada", "ada@example.com"):
        log_in(visitor, name, "wrong")
    assert records.one(LoginThrottle).failures == 5
    assert log_in(visitor, "ada").status == 429


@pytest.mark.parametrize("threshold", [3, 5, 6, 10, 50])
def test_strangers_and_the_owner_together_stay_below_the_lockout_of_the_directory(threshold):
    window = timedelta(minutes=30)
    strangers, owner = rules.directory_limits(threshold, window)
    assert strangers.free + owner.free < threshold
    for limit in (strangers, owner):
        assert rules.pause_after(limit.free, limit) >= window
        assert not rules.pause_after(limit.free - 1, limit)


def test_a_directory_that_locks_early_is_asked_less_often(visitor, use, running, records):
    use(running[ldap.PRIVATE].settings(LDAP_LOCKOUT_THRESHOLD="4"))
    statuses = [log_in(visitor, "ada", "wrong").status for _attempt in range(3)]
    assert statuses == [401, 401, 429]
    clock.set_now(clock.now() + timedelta(minutes=29))
    assert log_in(visitor, "ada").status == 429
    clock.set_now(clock.now() + timedelta(minutes=2))
    assert_in(log_in(visitor, "ada"), "Ada Byron")


# -- who has left


@pytest.fixture
def gone(people):
    """Return a function that makes the person of a member unknown to the directory, or disabled in it."""

    def make(member, unique_id):
        with transaction():
            row = db.session.query(DirectoryPerson).filter_by(member_id=member.id).one()
            row.unique_id = unique_id

    return make


def check(app):
    clock.set_now(clock.now() + timedelta(minutes=4))
    with app.app_context():
        return directory.check_due()


@pytest.mark.parametrize("unique_id", ["entryuuid:gone", ldap.unique_id("disabled")])
def test_who_has_left_the_directory_loses_sessions_tokens_and_keys(app, visitor, people, records, gone, unique_id):
    log_in(visitor, "ada")
    member = records.one(Member)
    key = ApiKeyFactory(member=member)
    assert check(app) == 0
    with app.app_context():
        gone(member, unique_id)
    assert check(app) == 1
    page = visitor.get("/account/profile/")
    assert (page.path, page.flashes[0][0]) == ("/login/", "danger")
    assert "does not let you log in any more" in page.flashes[0][1]
    assert (records.fresh(member).active, records.fresh(key).revoked_on) == (False, None)
    assert records.fresh(member).session_stamp != member.session_stamp
    # Who comes back can log in again.
    with app.app_context():
        gone(member, ldap.unique_id("ada"))
    check(app)
    assert records.fresh(member).active


def test_who_was_deactivated_here_stays_so(app, visitor, people, records):
    linked("ada", inactive=True)
    log_in(visitor, "ada")
    check(app)
    assert not records.one(Member).active


def test_a_request_asks_itself_if_the_worker_does_not(app, visitor, people, records, gone, monkeypatch):
    log_in(visitor, "ada")
    member = records.one(Member)
    with app.app_context():
        gone(member, "entryuuid:gone")
    assert visitor.get("/account/profile/").status == 200
    clock.set_now(clock.now() + timedelta(minutes=7))
    monkeypatch.setattr(directory, "_looked_at", {})
    assert visitor.get("/account/profile/").path == "/login/"
    assert not records.fresh(member).active


@pytest.mark.parametrize("kind", ["token", "key"])
def test_a_program_is_refused_as_soon_as_its_member_has_left(app, people, records, gone, kind):
    program = app.test_client()
    body = {"username": "grace", "password": ldap.PASSWORD}
    secret = program.post("/api/v1/security/login", json=body).get_json()["access_token"]
    member = records.one(Member)
    if kind == "key":
        with app.app_context(), transaction():
            secret = api_key_service.create(db.session.get(Member, member.id), "Calendar").secret

    def ask():
        return program.get("/api/v1/dinnerparties/", headers={"Authorization": f"Bearer {secret}"}).status_code

    assert ask() == 200
    with app.app_context():
        gone(member, "entryuuid:gone")
    clock.set_now(clock.now() + timedelta(minutes=7))
    directory._looked_at.clear()  # noqa: SLF001 - a minute of the process has passed
    assert ask() == 401


def test_who_left_the_admin_group_is_no_administrator_a_few_minutes_later(app, visitor, people, records):
    MemberFactory(admin=True)
    member = linked("ada", admin=True)
    visitor.log_in_as(member)
    check(app)
    assert roles(records, member) == ["Guest"]
    assert visitor.get("/users/list/").path == "/login/"


def test_an_outage_signs_nobody_out(app, visitor, people, use, records):
    log_in(visitor, "ada")
    use(people.settings(LDAP_SERVER="ldap://127.0.0.1:9"))
    assert check(app) == 0
    assert visitor.get("/account/profile/").status == 200
    assert records.one(LoginSession).ended_at is None


# -- servers, and mistakes of the operator


def test_another_server_is_asked_if_one_fails(visitor, people, use):
    use(people.settings(LDAP_SERVER=f"ldap://127.0.0.1:9, ldap://127.0.0.1:{people.port}"))
    assert_in(log_in(visitor, "ada"), "Ada Byron")


MISTAKES = {
    "The host of the server is unknown.": {"LDAP_SERVER": f"ldap://{'x' * 64}.example"},
    "Nothing listens at the port of the server.": {"LDAP_SERVER": "ldap://127.0.0.1:9"},
    "The server refuses STARTTLS.": {"LDAP_USE_TLS": "yes"},
    "The directory does not accept LDAP_BIND_USER with LDAP_BIND_PASSWORD.": {"LDAP_BIND_PASSWORD": "wrong"},
    "LDAP_BIND_USER may not search there.": {"LDAP_BIND_USER": "", "LDAP_BIND_PASSWORD": ""},
    "The base of the search does not exist": {"LDAP_SEARCH_BASE": "ou=nowhere,dc=example,dc=com"},
    "Nobody is found below LDAP_SEARCH_BASE.": {"LDAP_SEARCH_FILTER": "(sn=Nobody)"},
    "People have no e-mail address": {"LDAP_EMAIL_FIELD": "rfc822"},
    "LDAP_ADMIN_GROUP does not exist": {"LDAP_ADMIN_GROUP": "cn=nobody,dc=example,dc=com"},
}


@pytest.mark.parametrize("told", MISTAKES)
def test_each_mistake_of_the_operator_has_a_sentence(app, people, use, told):
    use(people.settings(**MISTAKES[told]))
    with app.app_context():
        texts = [finding.text for finding in checks.servers()]
        assert any(told in text for text in texts), texts


def test_an_untrusted_certificate_is_told(app, running, use):
    use(running[ldap.STARTTLS].settings(LDAP_USE_TLS="yes"))
    with app.app_context():
        assert [
            finding.text for finding in checks.servers() if "certificate of the server is not trusted" in finding.text
        ]


def test_nothing_is_wrong_with_a_directory_as_it_should_be(app, people):
    with app.app_context():
        assert [finding.level for finding in checks.servers()] == [doctor.Level.OK]


@pytest.mark.parametrize(
    "wrong",
    [
        {"LDAP_SERVER": "ldaps://one.example two.example"},
        {"LDAP_BIND_PASSWORD": ""},
        {"LDAP_SEARCH_BASE": "example.com"},
        {"LDAP_GROUP_BASE": "groups"},
        {"LDAP_ADMIN_GROUP": "admins"},
        {"LDAP_SEARCH_FILTER": "(sn=x"},
        {"LDAP_SEARCH_FILTER": "memberOf=cn=x"},
        {"LDAP_UID_FIELD": "uid)(x"},
        {"LDAP_LOCKOUT_THRESHOLD": "ten"},
        {"LDAP_SERVER": ""},
    ],
)
def test_a_wrong_setting_is_told_at_the_start(tmp_path, people, wrong):
    settings = people.settings(**wrong)
    with pytest.raises(ConfigurationError, match=next(iter(wrong)) if wrong != {"LDAP_SERVER": ""} else "LDAP_ADMIN"):
        config.load({"INSTANCE_PATH": str(tmp_path), **settings})


# -- flask doctor --as


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody", "Nobody in the directory is called nobody."),
        ("same", "Several people have this username or e-mail address"),
        ("disabled", "The account is disabled or has expired in the directory."),
        ("nomail", "Refused: The directory has no e-mail address"),
        ("nested", f"In the group {ldap.ADMINS}, which the entry does not list itself."),
        ("nested", "Is an administrator by LDAP_ADMIN_GROUP."),
        ("nested", "Gets a new account at the first login."),
        ("grace", "The account grace (grace@example.com) may belong to somebody else."),
        ("ada", "Logs in to the account ada (ada@example.com)."),
    ],
)
def test_the_doctor_tells_what_a_login_would_do(app, people, name, told):
    linked("ada")
    MemberFactory(username="grace")
    with app.test_request_context():
        assert told in "\n".join(finding.text for finding in checks.login(name))
