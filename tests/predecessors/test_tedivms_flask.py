"""tedivms-flask: administration of users, profiles, roles on pages, API keys, LDAP, workers and settings."""

import pytest

import config
from app.accounts.models import Member
from app.jobs.models import JobState
from app.outbox.error_mail import ErrorMailHandler
from app.outbox.models import OutboxEmail
from tests.support.client import Visitor
from tests.support.factories import PASSWORD, JobFactory

USER = {"username": "ada", "email": "ada@example.com", "first_name": "Ada", "password": PASSWORD}


def test_an_administrator_creates_changes_and_deletes_a_user(admin, says, records):
    page = admin.submit(admin.get("/users/add").form("/users/add"), **USER)
    says(page, "info", "User %(name)s created.", name="ada")
    ada = next(person for person in records.all(Member) if person.username == "ada")
    path = f"/users/edit/{ada.id}"
    says(admin.submit(admin.get(path).form(path), first_name="Augusta"), "info", "Saved.")
    question = admin.get(f"/users/delete/{ada.id}")
    assert records.fresh(ada).first_name == "Augusta"
    says(admin.submit(question.form(f"/users/delete/{ada.id}")), "info", "Deleted.")


def test_an_address_that_is_taken_is_refused_at_its_field(admin, member, says):
    member(username="first", email="ada@example.com")
    page = admin.submit(admin.get("/users/add").form("/users/add"), **USER)
    assert page.flashes[0][0] == "danger"
    assert page.form("/users/add").fields["username"] == "ada"


def test_a_profile_form_grants_no_role(client_of, member, records):
    ada = member(username="ada")
    browser = client_of(ada)
    form = browser.get("/account/profile/").form("/account/profile/")
    data = {**form.fields.to_dict(), "roles": ["1", "2"], "active": "", "is_admin": "1"}
    roles = records.dump()["ab_user_role"]
    assert browser.open("POST", "/account/profile/", data=data).flashes[0][0] == "info"
    assert records.dump()["ab_user_role"] == roles
    assert records.fresh(ada).active


@pytest.mark.parametrize(("role", "status"), [({"admin": True}, 200), ({}, 403), ({"translator": True}, 403)])
def test_a_page_for_a_role_is_open_to_it_and_closed_to_others(client_of, member, role, status):
    assert client_of(member(**role)).get("/users/list/").status == status


def test_a_key_is_created_shown_once_used_and_revoked(client_of, member, app, locale):
    ada = client_of(member(username="ada"))
    page = ada.submit(ada.get("/account/keys/new").form("/account/keys/new"), name="My program")
    assert [flash[0] for flash in page.flashes] == ["info"]
    secret = page.text.partition("dinner_")[2].partition("<")[0].partition('"')[0]
    key = f"dinner_{secret}"

    def ask():
        client = app.test_client(use_cookies=False)
        return client.get("/api/v1/parties", headers={"Authorization": f"Bearer {key}"}).status_code

    assert ask() == 200
    listed = ada.get("/account/keys/")
    assert key not in listed.text
    page = ada.submit(next(form for form in listed.forms if "revoke" in form.action))
    assert [flash[0] for flash in page.flashes] in (["info"], ["warning"])
    assert ask() == 401


def test_an_administrator_sees_why_a_job_failed_and_runs_it_again(admin, says, records, locale):
    failed = JobFactory(name="reminders", state=JobState.FAILED, failures=7, last_error="OSError: no network")
    assert "OSError: no network" in admin.get(f"/jobs/show/{failed.id}").text
    page = admin.post("/jobs/action_post", {"action": "run_now", "rowid": [failed.id]})
    says(page, "info", "%(num)d job is due now.", "%(num)d jobs are due now.", num=1)
    assert records.fresh(failed).failures == 0


def test_an_error_is_emailed_to_administrators(new_app, records, locale):
    site = new_app(ERROR_MAIL_TO="ops@example.com")
    site.config["PROPAGATE_EXCEPTIONS"] = False
    site.add_url_rule("/break", view_func=lambda: 1 / 0)
    Visitor(site).get("/break", headers={"Accept-Language": locale})
    for handler in [each for each in site.logger.handlers if isinstance(each, ErrorMailHandler)]:
        handler.flush()
        site.logger.removeHandler(handler)
    letter = records.one(OutboxEmail)
    assert letter.recipient == "ops@example.com"
    assert "ZeroDivisionError" in letter.subject


def test_the_site_is_set_up_by_a_file_and_the_environment(tmp_path, locale):
    (tmp_path / "config.toml").write_text(f'APP_NAME = "Supper"\nWORKERS = 3\nBABEL_DEFAULT_LOCALE = "{locale}"\n')
    loaded = config.load({"INSTANCE_PATH": str(tmp_path), "WORKERS": "2"})
    assert (loaded["APP_NAME"], loaded["WORKERS"], loaded["BABEL_DEFAULT_LOCALE"]) == ("Supper", 2, locale)
