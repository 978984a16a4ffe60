"""Two people edit the same row: nobody's work is undone, in any generated form and by any PUT of the generated APIs."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.security.sqla.models import Group, Role

from app.accounts.models import TRANSLATOR
from app.audit.models import AuditEvent
from app.crud.views import ModelView
from app.extensions import appbuilder_of
from tests.parties.api_client import ApiClient
from tests.support.factories import GroupFactory, MemberFactory

CHANGED = "Someone else has changed this in the meantime. Check the marked fields, then save again."
REFUSED = "Someone else has changed this in the meantime. Read it again, then repeat your change."
# Fields that no second value is known for here, or that decide whether the row may be changed.
FIXED = {
    "csrf_token",
    "next",
    "row_version",
    "status",
    "timezone",
    "locale",
    "host",
    "party",
    "member",
    "email",
    "active",
}


def key_of(member):
    return f"/users/edit/{member.id}"


@pytest.fixture
def other_admin(client_of):
    """The browser of another administrator."""
    return client_of(MemberFactory(username="other", admin=True))


@pytest.mark.slow
def test_an_old_form_of_any_generated_view_undoes_nothing(populated_site, admin, other_admin, records):
    unchanged = []
    for view in editable_views(populated_site.app):
        path = f"{view.route_base}/edit/{populated_site.key_of(view)}"
        old = other_admin.get(path).form(path)
        if not change_something(admin, path):
            unchanged.append(view.route_base)
            continue
        before = records.dump()
        page = other_admin.submit(old)
        assert (page.status, page.flashes) == (409, [("warning", CHANGED)]), path
        # Nothing of the other administrator's was changed, so the new values are shown: saving again loses nothing.
        assert records.dump() == before, path
        again = other_admin.submit(page.form(page.path))
        assert again.flashes[0][0] != "danger", (path, again.flashes)
        assert changeable(other_admin.get(path).form(path)) == changeable(admin.get(path).form(path)), path
    assert unchanged == []


def test_saving_a_form_of_any_generated_view_as_it_was_opened_tells_the_audit_log_nothing(
    populated_site, admin, records
):
    for view in editable_views(populated_site.app):
        path = f"{view.route_base}/edit/{populated_site.key_of(view)}"
        before = records.count(AuditEvent)
        assert admin.submit(admin.get(path).form(path)).flashes[0][0] == "info", path
        assert records.count(AuditEvent) == before, path


def editable_views(app):
    views = [view for view in appbuilder_of(app).baseviews if isinstance(view, ModelView) and view.is_routed("edit")]
    assert len(views) > 5
    return views


def change_something(visitor, path):
    """Save the form at `path` with one more character in a text, one more in a number, or without a value."""
    form = visitor.get(path).form(path)
    for name, value in changeable(form).items():
        changes = [str(int(value) + 1) if value.isdecimal() else f"{value}x", ""] if value else []
        if any(visitor.submit(form, **{name: changed}).flashes[0][0] == "info" for changed in changes):
            return True
    return False


def changeable(form):
    fields = {name: value for name, value in form.fields.items() if name not in FIXED}
    # The account of a person of the directory is the only field of its form.
    return fields or {name: value for name, value in form.fields.items() if name == "member"}


def test_a_role_that_was_taken_away_does_not_come_back(admin, other_admin, records, ada):
    translator = next(str(role.id) for role in records.all(Role) if role.name == TRANSLATOR)
    old = admin.get(key_of(ada)).form(key_of(ada))
    taken = other_admin.submit(other_admin.get(key_of(ada)).form(key_of(ada)), roles=[translator], active=None)
    assert taken.flashes[0][0] == "info"
    page = admin.submit(old, first_name="Augusta")
    assert (page.status, page.flashes) == (409, [("warning", CHANGED)])
    form = page.form(page.path)
    assert (form.fields.getlist("roles"), form.fields["first_name"]) == ([translator], "Augusta")
    assert "active" not in form.fields
    assert page.text.count("Changed in the meantime. The new value is shown.") == 2 * 2, (
        "in the summary and at the fields"
    )
    assert admin.submit(form).flashes[0][0] == "info"
    stored = records.fresh(ada)
    assert (stored.first_name, stored.active) == ("Augusta", False)


def test_where_both_changed_a_field_both_values_are_shown(admin, other_admin, records, ada):
    old = admin.get(key_of(ada)).form(key_of(ada))
    other_admin.submit(other_admin.get(key_of(ada)).form(key_of(ada)), first_name="Adele")
    page = admin.submit(old, first_name="Augusta")
    assert page.status == 409
    assert "Saved in the meantime: Adele" in page.text
    assert page.form(page.path).fields["first_name"] == "Augusta"
    assert records.fresh(ada).first_name == "Adele"
    admin.submit(page.form(page.path))
    assert records.fresh(ada).first_name == "Augusta"


def test_a_login_in_the_meantime_is_no_conflict(admin, client_of, records, ada):
    old = admin.get(key_of(ada)).form(key_of(ada))
    client_of(ada)
    assert admin.submit(old, first_name="Augusta").flashes[0][0] == "info"
    assert records.fresh(ada).first_name == "Augusta"


@pytest.mark.parametrize(
    ("model", "name", "changed"),
    [(Group, "cooks", {"label": "Those who cook"}), (Role, TRANSLATOR, {"second_factor_required": "y"})],
)
def test_an_old_form_of_a_group_or_role_undoes_nothing(admin, other_admin, records, model, name, changed):
    GroupFactory(name="cooks")
    row = next(row for row in records.all(model) if row.name == name)
    path = f"/{model.__name__.lower()}s/edit/{row.id}"
    old = admin.get(path).form(path)
    assert other_admin.submit(other_admin.get(path).form(path), **changed).flashes[0][0] == "info"
    assert admin.submit(old).status == 409


@pytest.mark.both_databases
def test_of_eight_who_save_at_once_one_wins_and_the_others_are_told(client_of, cast, records, ada):
    admins = [client_of(cast.admin) for _number in range(8)]
    forms = [admin.get(key_of(ada)).form(key_of(ada)) for admin in admins]

    def save(number):
        return admins[number].submit(forms[number], first_name=f"Ada{number}")

    with ThreadPoolExecutor(len(admins)) as threads:
        pages = list(threads.map(save, range(len(admins))))
    winners = [number for number, page in enumerate(pages) if page.flashes[0][0] == "info"]
    assert [page.status for page in pages].count(409) == len(admins) - 1
    assert [records.fresh(ada).first_name] == [f"Ada{number}" for number in winners]


# -- the API


def test_an_old_etag_is_refused_by_any_generated_api(populated_site, app, cast):
    key = ApiClient(app, cast.admin).key
    apis = [view for view in appbuilder_of(app).baseviews if isinstance(view, ModelRestApi)]
    for api in apis:
        client, address = app.test_client(use_cookies=False), f"{api.route_base}/{populated_site.key_of(api)}"

        def ask(method, etag, client=client, address=address, **options):
            headers = {"Authorization": f"Bearer {key}", **({"If-Match": etag} if etag else {})}
            return client.open(address, method=method, headers=headers, **options)

        etag, result = ask("GET", None).headers["ETag"], ask("GET", None).get_json()["result"]
        name = next(name for name in api.edit_columns if isinstance(result[name], str) and name not in FIXED)
        changed = ask("PUT", etag, json={name: f"{result[name]} x"})
        assert (changed.status_code, changed.headers["ETag"] == etag) == (200, False), address
        late = ask("PUT", etag, json={name: result[name]})
        assert (late.status_code, late.get_json()["message"]) == (412, REFUSED), address
        assert ask("DELETE", etag).status_code == 412, address
        assert ask("GET", None).get_json()["result"][name] == f"{result[name]} x"
        assert ask("PUT", changed.headers["ETag"], json={name: result[name]}).status_code == 200
        assert ask("PUT", "*", json={name: result[name]}).status_code == 200
    assert apis
