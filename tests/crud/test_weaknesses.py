"""Our base classes fix the weaknesses of the framework that tests/upstream shows on stock views with the same rows."""

import pytest
from flask_babel import lazy_gettext
from wtforms.validators import Length

from app.crud.api import ModelRestApi
from app.crud.datamodel import SQLAInterface
from app.errors import ConfigurationError, DomainError
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty
from tests.crud.views import (
    LETTER_COLUMNS,
    OURS,
    TYPED,
    Meeting,
    TextView,
    WithAction,
    are_filters_mixed_up,
    email_view,
    pages_of_two_threads,
    refuse,
    write_soup_and_salad,
)
from tests.support.factories import PASSWORD_HASH, DinnerPartyFactory, MemberFactory, OutboxEmailFactory
from tests.support.statements import count_statements


def categories(page):
    return [category for category, _text in page.flashes]


# -- output of APIs


DECLARED = {
    "datamodel": SQLAInterface(DinnerParty),
    "base_order": ("id", "asc"),
    "list_columns": ["title", "host.username"],
    "show_columns": ["title"],
    "add_columns": ["title"],
    "edit_columns": ["title"],
    "search_columns": ["title"],
}


@pytest.mark.parametrize(
    "changes",
    [
        *({kind: None} for kind in DECLARED if kind != "datamodel"),
        {"list_columns": ["host"]},
        {"show_columns": ["host.roles"]},
        {"search_columns": ["host.username"]},
        {"list_columns": ["host.password.x"]},
        {"list_columns": ["title.length"]},
        {"allow_browser_login": True},
    ],
)
def test_an_api_that_could_send_whole_rows_fails_at_startup(app, changes):
    with app.app_context(), pytest.raises(ConfigurationError):
        type("Api", (ModelRestApi,), {**DECLARED, **changes})()


def test_no_api_of_the_site_sends_a_password_hash(app, ours):
    from app.parties.hosting.admin_api import DinnerPartyApi

    party = DinnerPartyFactory()
    visitor = ours()
    for path in (f"/api/v1/{DinnerPartyApi.resource_name}/", f"/api/v1/{DinnerPartyApi.resource_name}/{party.id}"):
        page = visitor.get(path)
        assert page.status == 200
        assert party.host.username in page.text
        assert PASSWORD_HASH not in page.text


@pytest.mark.parametrize(
    "q", ["(", "!(", "(page:word)", "[1]", "1", '{"page": ', "(" * 2000, "(page:1" + "\0)", "x" * 9000]
)
def test_a_malformed_query_is_a_bad_request_with_a_message(ours, q):
    page = ours().get("/api/v1/dinnerparties/", query_string={"q": q})
    assert page.status == 400
    assert page.json["message"] in {
        "The request could not be understood.",
        "The argument “q” is not valid.",
        "The argument “page” is not valid.",
    }


@pytest.mark.parametrize(
    "q",
    [
        "(order_column:host.password)",
        "(filters:!((col:password,opr:eq,value:a)))",
        "(filters:!((col:number_seats,opr:eq,value:word)))",
        "(filters:!((col:starts_at,opr:gt,value:never)))",
        f"(filters:!((col:number_seats,opr:eq,value:{10**30})))",
        "(filters:!((col:title,opr:zz,value:a)))",
    ],
)
def test_an_api_is_ordered_and_filtered_by_declared_columns_only(ours, q):
    DinnerPartyFactory()
    assert ours().get("/api/v1/dinnerparties/", query_string={"q": q}).status == 400


def test_nothing_is_offered_as_an_order_that_the_database_cannot_order_by(app):
    """A property such as `is_past`, and lists of rows."""
    datamodel = SQLAInterface(DinnerParty)
    with app.app_context():
        shown = ["title", "is_past", "host.username", "co_hosts"]
        assert datamodel.get_order_columns_list(shown) == ["title", "host.username"]


def test_the_page_size_of_an_api_is_bounded(ours):
    DinnerPartyFactory.create_batch(3)
    visitor = ours()
    assert len(visitor.get("/api/v1/dinnerparties/?q=(page_size:-1)").json["result"]) == 3
    assert len(visitor.get("/api/v1/dinnerparties/?q=(page_size:2)").json["result"]) == 2
    assert visitor.get("/api/v1/dinnerparties/?q=(page:-5)").status == 200
    assert visitor.get(f"/api/v1/dinnerparties/?q=(page:{10**18})").status == 200


@pytest.mark.parametrize(
    "body", ["", "[]", "1", "{", '{"title": "\\u0000"}', '{"number_seats": 9999999999999999999999}']
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.both_databases
def test_api_input_is_validated_with_messages(ours, records, body, method):
    party = DinnerPartyFactory()
    before = records.dump()
    path = "/api/v1/dinnerparties/" + (str(party.id) if method == "PUT" else "")
    page = ours().open(method, path, data=body, content_type="application/json")
    assert page.status in {400, 422}
    assert "message" in page.json
    assert records.dump() == before


@pytest.mark.parametrize("pk", ["0", "word", "-1", str(2**63), "9" * 200])
def test_an_api_does_not_find_an_invalid_key(ours, pk):
    visitor = ours()
    for method in ("GET", "PUT", "DELETE"):
        page = visitor.open(method, f"/api/v1/dinnerparties/{pk}", json={} if method == "PUT" else None)
        assert page.status in {404, 405}


# -- state shared between forms


def test_our_forms_do_not_change_the_lists_of_a_class(ours):
    validators, labels = {"subject": [Length(max=9)]}, {name: name for name in (*LETTER_COLUMNS, "id")}
    given = dict(labels)
    ours(email_view(*OURS, validators_columns=validators, label_columns=labels))
    assert len(validators["subject"]) == 1
    assert labels == given


# -- arguments of lists

STRANGE = [
    "page_{view}=word",
    "page_{view}=-3",
    "psize_{view}=many",
    "_oc_{view}=host.password&_od_{view}=asc",
    "_oc_{view}=nowhere&_od_{view}=asc",
    "_oc_{view}=__class__",
    "_flt_0_attempts=word",
    f"_flt_0_attempts={10**30}",
    "_flt_9_subject=a",
    "_flt_2_subject=%00",
    "_flt_0_secret=a",
    "_flt_1_created_at=yesterday",
    "_flt_1_created_at=9999-12-31T23:59:59-23:00",
    "_flt=0&_value=1",
    "_flt=2_subject&_value=%00",
]


@pytest.mark.both_databases
def test_a_list_ignores_invalid_arguments_and_says_so(ours):
    OutboxEmailFactory(subject="Still here")
    visitor = ours(TextView)
    for query in STRANGE:
        page = visitor.get("/texts/list/?" + query.format(view="TextView"))
        assert page.status == 200, query
        assert "Still here" in page.text, query
        assert categories(page) == ["warning"], query


def test_a_page_beyond_the_last_shows_the_last_one(ours):
    OutboxEmailFactory.create_batch(3)
    OutboxEmailFactory(subject="The last one")
    visitor = ours(email_view(*OURS, page_size=2))
    for number in (1, 2, 700, 10**12):
        assert "The last one" in visitor.get(f"/texts/list/?page_TextView={number}").text


def test_a_page_has_at_most_a_hundred_rows(ours):
    OutboxEmailFactory.create_batch(101)
    page = ours(TextView).get("/texts/list/?psize_TextView=1000000")
    assert page.text.count("/texts/show/") == 100


@pytest.mark.parametrize("pk", ["word", "-1", "0", "1.5", str(2**63), "9" * 400, "%00", "%F0%9F%8D%B7"])
@pytest.mark.both_databases
def test_an_invalid_key_is_not_found(ours, pk):
    visitor = ours()
    for page in ("show", "edit", "delete"):
        assert visitor.get(f"/dinnerparties/{page}/{pk}").status == 404
    assert visitor.post(f"/dinnerparties/delete/{pk}").status == 404
    assert visitor.post(f"/dinnerparties/action/cancel/{pk}").status == 404


def test_a_percent_sign_is_searched_for_literally(ours):
    OutboxEmailFactory(subject="100 % fun")
    OutboxEmailFactory(subject="No fun")
    page = ours(TextView).get("/texts/list/?_flt_2_subject=%25")
    assert "100 % fun" in page.text
    assert "No fun" not in page.text


@pytest.mark.parametrize("query", ["_flt_0_state=sent", "_flt_0_state=Sent", "_flt=0_state&_value=sent"])
def test_a_filter_is_described_and_can_be_removed(admin, query):
    OutboxEmailFactory(subject="Gone", sent=True)
    OutboxEmailFactory(subject="Here")
    page = admin.get(f"/letters/list/?{query}&_oc_LetterModelView=subject&_od_LetterModelView=asc")
    assert "Gone" in page.text
    assert "Here" not in page.text
    assert 'href="/letters/list/?_oc_LetterModelView=subject&amp;_od_LetterModelView=asc"' in page.text
    assert page.flashes == []


# -- database errors


@pytest.mark.both_databases
def test_our_views_show_database_errors_at_the_field(ours):
    OutboxEmailFactory(dedupe_key="one")
    page = ours(TextView).post("/texts/add", TYPED)
    assert page.flashes == [("danger", "An entry like this already exists.")]
    assert page.text.count("An entry like this already exists.") > 1
    assert 'value="Typed with care"' in page.text
    assert not any(word in page.text for word in ("INSERT", "UNIQUE", "psycopg", "sqlite"))


# -- filters and threads


def test_our_views_do_not_share_filters_between_threads(ours):
    write_soup_and_salad()
    view = type("TextView", (Meeting, email_view(*OURS)), {})
    visitor = ours(view)
    for _ in range(5):
        assert not are_filters_mixed_up(pages_of_two_threads(visitor, view))


# -- keeping the form


@pytest.mark.parametrize("hook", ["pre_add", "pre_update"])
def test_the_form_is_kept_when_a_hook_refuses(ours, records, hook):
    letter = OutboxEmailFactory()
    visitor = ours(email_view(*OURS, **{hook: refuse}))
    before = records.dump()
    path = "/texts/add" if hook == "pre_add" else f"/texts/edit/{letter.id}"
    page = visitor.post(path, TYPED)
    assert (page.status, page.flashes) == (422, [("warning", "Not today.")])
    assert 'value="Typed with care"' in page.text
    assert records.dump() == before


def test_the_form_is_kept_when_a_field_is_missing(ours, records):
    page = ours(TextView).post("/texts/add", {**TYPED, "recipient": ""})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert 'value="Typed with care"' in page.text
    assert records.count(OutboxEmail) == 0


def test_rows_stored_by_a_hook_are_in_the_same_transaction(ours, records):
    def write(_self, item):
        from app.extensions import db

        db.session.add(
            OutboxEmail(**{name: TYPED[name] for name in LETTER_COLUMNS[:7]}, dedupe_key="hook", message_id="h")
        )
        db.session.flush()
        if item.subject == "No":
            raise DomainError(lazy_gettext("No."))

    visitor = ours(email_view(*OURS, pre_add=write))
    assert categories(visitor.post("/texts/add", {**TYPED, "subject": "No"})) == ["danger"]
    assert records.count(OutboxEmail) == 0
    assert visitor.post("/texts/add", TYPED).flashes == [("info", "Saved.")]
    assert records.count(OutboxEmail) == 2


def test_a_refusal_after_the_commit_is_shown_instead_of_success(ours, records):
    page = ours(email_view(*OURS, post_add=refuse)).post("/texts/add", TYPED)
    assert page.flashes == [("warning", "Not today.")]
    assert records.count(OutboxEmail) == 1


def test_a_flash_of_a_hook_is_the_only_one(ours):
    def warn(_self, _item):
        from flask import flash

        flash("Mind the step.", "warning")

    assert ours(email_view(*OURS, pre_add=warn)).post("/texts/add", TYPED).flashes == [("warning", "Mind the step.")]


@pytest.mark.both_databases
def test_a_conflict_of_two_tabs_shows_both_texts(admin, records):
    party = DinnerPartyFactory()
    path = f"/dinnerparties/edit/{party.id}"
    one, other = admin.get(path).form(path), admin.get(path).form(path)
    assert categories(admin.submit(one, title="The first text")) == ["info"]
    page = admin.submit(other, title="The second text")
    assert (page.status, categories(page)) == (409, ["warning"])
    assert "The first text" in page.text
    assert 'value="The second text"' in page.text
    assert records.fresh(party).title == "The first text"
    assert categories(admin.submit(page.form(path))) == ["info"]
    assert records.fresh(party).title == "The second text"


# -- cookie


def test_our_session_stores_no_urls(ours):
    visitor = ours(TextView)
    visitor.get("/texts/list/?_flt_0_subject=" + "a" * 500)
    with visitor.client.session_transaction() as session:
        assert "a" * 50 not in str(dict(session))


LIST = "/texts/list/?_flt_2_subject=ett&_oc_TextView=subject&_od_TextView=desc"


def test_saving_returns_to_the_list_one_came_from(ours):
    visitor = ours(TextView)
    letter = OutboxEmailFactory()
    referrer = {"headers": {"Referer": "http://localhost" + LIST}}
    for path in ("/texts/add", f"/texts/edit/{letter.id}"):
        form = visitor.get(path, **referrer).form(path)
        fields = {name: value for name, value in {**TYPED, "dedupe_key": path}.items() if name in form.names}
        assert visitor.submit(form, follow=False, **fields).location == LIST
    form = visitor.get(f"/texts/delete/{letter.id}", **referrer).form(f"/texts/delete/{letter.id}")
    assert visitor.submit(form, follow=False).location == LIST


@pytest.mark.parametrize(
    "target",
    ["//evil.example/", "https://evil.example/texts/list/", "/\\evil.example", "javascript:alert(1)", "/texts/edit/1"],
)
def test_saving_never_redirects_to_another_site_or_the_form(ours, target):
    visitor = ours(TextView)
    assert visitor.post("/texts/add", {**TYPED, "next": target}, follow=False).location == "/texts/list/"


# -- order of rows


def test_a_list_without_an_order_fails_at_startup(app):
    with app.app_context(), pytest.raises(ConfigurationError, match="base_order"):
        email_view(*OURS, base_order=None)()


@pytest.mark.parametrize(
    "changes",
    [
        {"list_title": ""},
        {"edit_title": None},
        {"list_columns": None},
        {"add_columns": None},
        {"label_columns": {"subject": "Subject"}},
        {"search_columns": ["html", "secret"]},
        {"order_columns": ["subject", "host.password"]},
        {"base_order": ("nowhere", "asc")},
    ],
)
def test_a_view_with_generated_english_labels_fails_at_startup(app, changes):
    with app.app_context(), pytest.raises(ConfigurationError):
        email_view(*OURS, **changes)()


def test_rows_that_sort_equal_are_stable_across_pages(ours):
    made = {str(letter.id) for letter in OutboxEmailFactory.create_batch(7, subject="Same")}
    visitor = ours(email_view(*OURS, page_size=3, base_order=("subject", "desc"), actions=None))
    seen = []
    for number in range(3):
        text = visitor.get(f"/texts/list/?page_TextView={number}").text
        seen += [part.split('"')[0].split("?")[0] for part in text.split("/texts/show/")[1:]]
    assert len(seen) == 7
    assert set(seen) == made


# -- choosing related rows


def test_our_forms_list_no_members_and_suggest_twenty(admin, records):
    party = DinnerPartyFactory()
    everybody = MemberFactory.create_batch(30)
    path = f"/dinnerparties/edit/{party.id}"
    with count_statements() as few:
        page = admin.get(path)
    assert not any(f"{member.username}<" in page.text or f'"{member.username}"' in page.text for member in everybody)
    assert f'value="{party.host.username}"' in page.text
    assert 'data-options-url="/dinnerparties/options/host?page=edit"' in page.text
    assert len(few) <= 6
    hits = admin.get("/dinnerparties/options/host?q=member").json
    assert len(hits) == 20
    assert hits[0].keys() == {"value", "label"}
    admin.submit(page.form(path), host=everybody[7].username)
    assert records.fresh(party).host_id == everybody[7].id


def test_suggestions_require_the_permission_of_the_form(visitor, client_of, cast, admin):
    assert visitor.get("/dinnerparties/options/host").status == 401
    assert client_of(cast.friend).get("/dinnerparties/options/host").status == 403
    assert admin.get("/dinnerparties/options/answers").status == 404
    for q in ("%25", "_", "x" * 5000, "'", "%00%25"):
        assert admin.get(f"/dinnerparties/options/host?q={q}").json == []


def test_an_unknown_choice_is_refused_and_kept(admin, records):
    party = DinnerPartyFactory()
    path = f"/dinnerparties/edit/{party.id}"
    page = admin.submit(admin.get(path).form(path), host="nobody-at-all")
    assert (page.status, categories(page)) == (422, ["danger"])
    assert 'value="nobody-at-all"' in page.text
    assert records.fresh(party).host_id == party.host_id


# -- deleting and actions


def test_a_get_asks_for_confirmation_and_a_post_deletes(ours, records):
    letter = OutboxEmailFactory()
    visitor = ours(TextView)
    page = visitor.get(f"/texts/delete/{letter.id}")
    assert page.status == 200
    assert visitor.open("HEAD", f"/texts/delete/{letter.id}").status == 200
    assert records.count(OutboxEmail) == 1
    assert visitor.submit(page.form(f"/texts/delete/{letter.id}")).flashes == [("info", "Deleted.")]
    assert records.count(OutboxEmail) == 0


def test_our_actions_reach_only_rows_of_the_view(ours, records):
    hidden, shown = OutboxEmailFactory(subject="secret"), OutboxEmailFactory(subject="shown")
    visitor = ours(type("TextView", (WithAction, email_view(*OURS)), {}))
    page = visitor.post("/texts/action_post", {"action": "shout", "rowid": [str(hidden.id), str(shown.id)]})
    assert page.flashes == [("info", "Shouted.")]
    assert visitor.post(f"/texts/action/shout/{hidden.id}").status == 404
    assert [records.fresh(letter).subject for letter in (hidden, shown)] == ["secret", "SHOWN"]


def test_an_action_without_rows_or_without_a_name_does_nothing(ours):
    visitor = ours(type("TextView", (WithAction, email_view(*OURS)), {}))
    none = visitor.post("/texts/action_post", {"action": "shout"})
    assert none.flashes == [("warning", "Select at least one row.")]
    for rowid in ("word", "-1", str(2**70), "99999"):
        page = visitor.post("/texts/action_post", {"action": "shout", "rowid": rowid})
        assert page.flashes == [("warning", "The selected rows no longer exist.")]
    assert visitor.post("/texts/action_post", {"action": "unknown", "rowid": "1"}).status == 404
    assert visitor.post("/texts/action_post", {}).status == 404
    assert visitor.get("/texts/action/shout/1").status == 405


# -- statements


@pytest.mark.parametrize("rows", [1, 30])
def test_a_list_and_a_page_take_few_statements_however_many_rows_there_are(admin, rows):
    parties = DinnerPartyFactory.create_batch(rows)
    admin.get("/dinnerparties/list/")
    for path in ("/dinnerparties/list/", "/rsvps/list/", "/users/list/", f"/dinnerparties/show/{parties[0].id}"):
        with count_statements() as statements:
            assert admin.get(path).status == 200
        assert len(statements) <= 6, (path, statements)
