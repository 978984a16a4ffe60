"""Pages of strangers: kept for a second, sent with a validator, and nobody's but theirs."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from app import clock, kept_pages, metrics
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db
from app.parties.enums import PartyStatus, Visibility
from app.parties.models import DinnerParty
from app.parties.pages import entries
from app.parties.pages.views import LandingView, PartyView
from tests.support.client import Visitor
from tests.support.factories import DinnerPartyFactory, RsvpFactory
from tests.support.statements import count_statements

LISTS = ("/", "/parties/")
PAGES = (*LISTS, "/parties/?month=2030-01", "/parties/?words=soup", "/parties/soup")
on_lists = pytest.mark.parametrize("path", LISTS)
on_pages = pytest.mark.parametrize("path", PAGES)


@pytest.fixture
def kept(app):
    """The pages that this process keeps."""
    return app.extensions[kept_pages.EXTENSION]


@pytest.fixture
def soup(cast):
    return DinnerPartyFactory(title="Soup night", slug="soup", host=cast.host, answers_by_email=True, number_seats=8)


@pytest.fixture
def rendered(monkeypatch):
    """Count the lists that are rendered."""
    seen = []
    for view in (LandingView, PartyView):
        stock = view.render_template
        monkeypatch.setattr(
            view, "render_template", lambda self, *a, _stock=stock, **k: seen.append(a) or _stock(self, *a, **k)
        )
    return seen


def change(app, row, model=DinnerParty, **values):
    with app.app_context(), transaction():
        stored = db.session.get(model, row.id)
        for name, value in values.items():
            setattr(stored, name, value)


@on_pages
def test_strangers_get_one_page_without_cookie_and_statement(visitor, new_visitor, soup, path):
    clock.set_now(clock.now())
    first = visitor.get(path)
    with count_statements() as statements:
        second = new_visitor().get(path)
    assert (first.text, dict(first.headers)) == (
        second.text,
        {**second.headers, "X-Request-ID": first.headers["X-Request-ID"]},
    )
    assert statements == []
    assert "Set-Cookie" not in first.headers
    assert "csrf_token" not in first.text


@on_pages
def test_an_unchanged_page_is_not_sent_again(visitor, kept, soup, path):
    page = visitor.get(path)
    assert page.headers["Cache-Control"] == "no-cache"
    assert set(page.headers["Vary"].replace(" ", "").split(",")) == {"Accept-Encoding", "Accept-Language", "Cookie"}
    for _from_memory in (True, False):
        again = visitor.get(path, headers={"If-None-Match": page.headers["ETag"]})
        assert (again.status, again.text) == (304, "")
        assert (again.headers["ETag"], again.headers["Cache-Control"]) == (page.headers["ETag"], "no-cache")
        assert again.headers["Vary"] == page.headers["Vary"]
        kept.drop()


@pytest.mark.both_databases
def test_a_change_by_another_process_shows_within_a_second(visitor, app, new_app, soup):
    now = clock.now()
    clock.set_now(now)
    elsewhere = Visitor(new_app())
    assert "Soup night" in elsewhere.get("/").text
    change(app, soup, title="Salad night")
    assert "Salad night" in visitor.get("/").text
    clock.set_now(now + timedelta(seconds=0.9))
    assert "Soup night" in elsewhere.get("/").text
    clock.set_now(now + timedelta(seconds=1))
    assert "Salad night" in elsewhere.get("/").text
    # A clock that is set back makes no page last.
    change(app, soup, title="Stew night")
    clock.set_now(now)
    assert "Stew night" in elsewhere.get("/").text


@pytest.mark.both_databases
def test_each_kind_of_write_drops_what_is_kept_at_once(visitor, app, cast, soup):
    clock.set_now(clock.now())
    same = DinnerParty.id == soup.id
    for expected, statement in {
        "Fully booked": update(DinnerParty).where(same).values(seats_taken=8),
        "Salad night": text("UPDATE dinner_party SET title = 'Salad night'"),
        "No public dinners": delete(DinnerParty).where(same),
    }.items():
        assert expected not in visitor.get("/").text
        with app.app_context(), transaction(), db.session.begin_nested():
            db.session.execute(statement)
        assert expected in visitor.get("/").text
    DinnerPartyFactory(title="Soup night", host=cast.host)
    assert "Soup night" in visitor.get("/").text
    with app.app_context(), transaction():
        db.session.merge(cast.host).first_name = "Renamed"
    assert "Renamed" in visitor.get("/").text


def test_logins_and_what_else_strangers_never_see_drop_nothing(visitor, client_of, cast, kept, soup):
    clock.set_now(clock.now())
    friend = client_of(cast.friend)
    visitor.get("/")
    clock.set_now(clock.now() + timedelta(seconds=0.5))
    friend.get("/")
    friend.submit(friend.get("/").form("/logout/"))
    assert len(kept) == 1


def test_a_page_that_was_read_before_a_write_is_not_kept_after_it(visitor, new_visitor, app, soup, monkeypatch):
    clock.set_now(clock.now())
    stock = LandingView.render_template

    def render(*arguments, **context):
        page = stock(*arguments, **context)
        writer = threading.Thread(target=change, args=(app, soup), kwargs={"title": "Salad night"})
        writer.start()
        writer.join()
        return page

    with monkeypatch.context() as patched:
        patched.setattr(LandingView, "render_template", render)
        assert "Soup night" in visitor.get("/").text
    assert "Salad night" in new_visitor().get("/").text


def test_of_a_crowd_one_renders_and_the_others_wait(new_visitor, soup, rendered, monkeypatch):
    clock.set_now(clock.now())
    waiting, stock, stock_wait = threading.Semaphore(0), LandingView.render_template, kept_pages.wait

    def wait(*arguments):
        waiting.release()
        stock_wait(*arguments)

    def render(*arguments, **context):
        for _other in range(3):
            waiting.acquire(timeout=5)
        return stock(*arguments, **context)

    monkeypatch.setattr(kept_pages, "wait", wait)
    monkeypatch.setattr(LandingView, "render_template", render)
    with ThreadPoolExecutor(4) as crowd:
        pages = list(crowd.map(lambda browser: browser.get("/").text, [new_visitor() for _each in range(4)]))
    assert "Soup night" in pages[0]
    assert len(set(pages)) == len(rendered) == 1


@on_lists
def test_a_party_leaves_the_page_when_it_starts(visitor, soup, path):
    assert "Soup night" in visitor.get(path).text
    clock.set_now(soup.starts_at)
    assert "Soup night" not in visitor.get(path).text


@on_pages
def test_each_language_has_a_page_of_its_own(visitor, soup, path):
    pages = [visitor.get(path, headers={"Accept-Language": language}) for language in ("en", "ar", "en-GB;q=0.9", "xx")]
    assert ['dir="rtl"' in page.text for page in pages] == [False, True, False, False]
    other = visitor.get(path, headers={"Accept-Language": "ar", "If-None-Match": pages[0].headers["ETag"]})
    assert other.status == 200


@on_pages
def test_a_flash_or_a_member_is_on_no_page_of_others(visitor, new_visitor, client_of, cast, soup, path):
    clock.set_now(clock.now())
    stranger = new_visitor().get(path)
    friend = client_of(cast.friend)
    page = friend.get(path, headers={"If-None-Match": stranger.headers["ETag"]})
    assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in page.headers
    assert "Log out" in page.text
    for text_ in ("Only for you.", "Again."):
        with visitor.client.session_transaction() as session:
            session["_flashes"] = [("info", text_)]
        page = visitor.get(path, headers={"If-None-Match": stranger.headers["ETag"]})
        assert page.flashes == [("info", text_)]
        assert page.headers["Cache-Control"] == "no-store"
        assert new_visitor().get(path).text == stranger.text


def test_who_sends_a_cookie_or_a_password_gets_a_page_of_their_own(visitor, new_visitor, soup, rendered):
    clock.set_now(clock.now())
    visitor.client.set_cookie("other", "1")
    for expected in (1, 3):
        new_visitor().get("/")
        assert len(rendered) == expected
        new_visitor().get("/", headers={"Authorization": "Bearer x"})
        visitor.get("/")
    assert len(rendered) == 5


@pytest.mark.parametrize(
    "hidden",
    [{"status": PartyStatus.DRAFT}, {"visibility": Visibility.PRIVATE}, {"hidden_at": clock.now()}],
    ids=["draft", "private", "hidden"],
)
def test_a_page_that_strangers_may_not_see_is_never_kept(new_visitor, client_of, cast, app, kept, soup, hidden):
    clock.set_now(clock.now())
    change(app, soup, **hidden)
    host = client_of(cast.host)
    for _again in range(2):
        assert "Soup night" in host.get("/parties/soup").text
        assert new_visitor().get("/parties/soup").status == 404
    assert len(kept) == 0


def test_an_unlisted_party_is_kept_for_its_url_and_no_list(new_visitor, app, kept, soup):
    clock.set_now(clock.now())
    change(app, soup, visibility=Visibility.UNLISTED)
    pages = {path: new_visitor().get(path).text for path in (*LISTS, "/parties/soup")}
    assert ["Soup night" in page for page in pages.values()] == [False, False, True]
    assert len(kept) == 3


def test_many_addresses_do_not_fill_the_memory(visitor, kept, soup, monkeypatch):
    monkeypatch.setattr(kept_pages, "MOST_PAGES", 5)
    clock.set_now(clock.now())
    for number in range(8):
        visitor.get(f"/?other={number}")
    visitor.get(f"/?other={'x' * 400}")
    visitor.get("/", headers={"Accept-Language": "en," * 200})
    assert len(kept) == 5


def test_pages_from_memory_are_counted_and_have_a_request_id(new_app, soup):
    clock.set_now(clock.now())
    app = new_app({"METRICS_TOKEN": "x" * 20})
    pages = [Visitor(app).get("/") for _each in range(3)]
    assert len({page.headers["X-Request-ID"] for page in pages}) == 3
    with app.app_context():
        assert metrics.counters().all("metric:requests_total") == {
            'metric:requests_total{method="GET",status="200"}': 3
        }


@on_lists
def test_hosts_have_pages_of_their_own(visitor, soup, path):
    clock.set_now(clock.now())
    visitor.get(path)
    assert visitor.get(path, headers={"Host": "evil.example"}).status == 400


def test_the_head_of_a_kept_page_is_that_of_the_page(visitor, soup):
    clock.set_now(clock.now())
    page, head = visitor.get("/"), visitor.open("HEAD", "/")
    assert head.text == ""
    assert head.headers["Content-Length"] == page.headers["Content-Length"]
    assert head.headers["ETag"] == page.headers["ETag"]


def test_entries_of_lists_are_rendered_anew_when_anything_that_they_show_changes(app, visitor, client_of, cast, soup):
    cache = app.extensions.setdefault(entries.EXTENSION, entries.cached())
    cache.cache_clear()
    friend = client_of(cast.friend)
    asks = [
        lambda: visitor.get("/"),
        lambda: visitor.get("/parties/"),
        lambda: visitor.get("/", headers={"Accept-Language": "es"}),
        lambda: friend.get("/parties/"),
        lambda: RsvpFactory(party=soup, member=cast.friend, party_size=2) and friend.get("/parties/"),
        lambda: change(app, soup, rsvp_deadline=clock.now()) or visitor.get("/"),
        lambda: change(app, cast.friend, timezone="Asia/Tokyo", model=Member) or friend.get("/parties/"),
        lambda: change(app, cast.friend, hour_cycle="h23", model=Member) or friend.get("/parties/"),
    ]
    entry_of = [re.search(r"<article.*?</article>", ask().text, re.DOTALL)[0] for ask in asks]
    assert entry_of[0] == entry_of[1]
    assert len(set(entry_of)) == cache.cache_info().misses == len(asks) - 1
    assert ["You have 2 seats" in entry for entry in entry_of] == [False] * 4 + [True, False, True, True]
    assert cache.cache_info().maxsize == entries.MOST_ENTRIES


def test_lists_read_what_they_show(visitor, soup):
    for path in LISTS:
        with count_statements() as statements:
            visitor.get(path)
        (read,) = [statement for statement in statements if "FROM dinner_party" in statement]
        assert [name for name in ("password", "description", "address", "email") if name in read] == []
