"""Dashboards by e-mail: who gets which figures, in which words, and how often."""

from datetime import UTC, datetime

import pytest

from app import clock
from app.charts import png, png_process
from app.dashboards import service
from app.dashboards.enums import MemberRole
from app.dashboards.weekly import mail
from app.dashboards.weekly import service as weekly
from app.database import transaction
from app.extensions import db
from app.outbox import delivery, unsubscribe
from tests.support.factories import DinnerPartyFactory

FRIDAY = datetime(2027, 1, 15, 12, tzinfo=UTC)
MONDAY = datetime(2027, 1, 18, 12, tzinfo=UTC)
BOARD = {
    "version": 1,
    "layout": "grid",
    "modules": [
        {
            "id": "mine",
            "title": "My dinners",
            "type": "bar",
            "data": {"query": "my_parties_per_month"},
            "row": 1,
            "width": 6,
        },
        {
            "id": "all",
            "title": "All dinners",
            "type": "bar",
            "data": {"query": "parties_per_month"},
            "row": 1,
            "width": 6,
        },
        {
            "id": "fixed",
            "title": "Fixed <b>",
            "type": "bar",
            "data": {"values": [{"dish": "Soup & bread", "plates": 4321}]},
            "row": 2,
            "width": 12,
        },
    ],
}


@pytest.fixture(autouse=True)
def friday():
    clock.set_now(FRIDAY)


@pytest.fixture
def board(app, cast):
    """A dashboard of the host that the friend sees."""
    with app.app_context(), transaction():
        made = service.create(db.session.merge(cast.host), "Season", BOARD)
        service.share(made, {cast.friend.username: MemberRole.VIEWER})
        return made.slug


@pytest.fixture
def monday(app):
    """Run the job on Monday, and deliver what it wrote."""

    def run(moment=MONDAY):
        clock.set_now(moment)
        with app.app_context():
            queued = weekly.send_due()
            delivery.drain()
            return queued

    return run


def subscribe(visitor, slug, member):
    visitor.log_in_as(member)
    return visitor.post(f"/dashboards/{slug}/weekly")


@pytest.mark.both_databases
def test_a_subscriber_gets_the_dashboard_each_monday_with_what_they_may_see(
    board, cast, new_visitor, smtp, monday, app
):
    DinnerPartyFactory(host=cast.host, title="Soup")
    page = subscribe(new_visitor(), board, cast.friend)
    assert page.flashes == [("info", "You get this dashboard by e-mail each Monday morning.")]
    assert monday(FRIDAY) == 0
    assert monday() == 1
    assert monday() == 0
    (arrived,) = smtp.messages
    assert arrived["Subject"] == "Your week: Season"
    assert arrived["List-Unsubscribe"]
    text = arrived.get_body(("plain",)).get_content()
    html = arrived.get_body(("html",)).get_content()
    for part in (text, html):
        # The friend has no permission for the figures of the site; those of the host are not theirs.
        assert "You may not see these data." in part
        assert f"/dashboards/{board}" in part
    assert "Fixed <b>" in text
    assert "Soup & bread" in text
    assert "4,321" in text
    assert "Fixed &lt;b&gt;" in html
    assert monday(MONDAY.replace(day=25)) == 1


def test_charts_are_pictures_inside_the_email(board, cast, new_visitor, smtp, monday, monkeypatch):
    # Not every machine has a font; what stands in a picture is tested elsewhere.
    monkeypatch.setattr(png_process, "draw", lambda _chart, title: b"\x89PNG " + title.encode())
    subscribe(new_visitor(), board, cast.host)
    monday()
    (arrived,) = smtp.messages
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "multipart/related"]
    html, *pictures = list(arrived.iter_parts())[1].iter_parts()
    for picture in pictures:
        assert picture.get_content().startswith(b"\x89PNG")
        assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html.get_content()
    assert [picture.get_filename() for picture in pictures] == ["1.png"]


def test_without_a_font_the_figures_are_sent_in_words(board, cast, new_visitor, smtp, monday, monkeypatch, caplog):
    def without_fonts():
        raise png.NoFontError("Install some.")

    monkeypatch.setattr(png, "find_fonts", without_fonts)
    subscribe(new_visitor(), board, cast.host)
    assert monday() == 1
    (arrived,) = smtp.messages
    assert "Soup &amp; bread" in arrived.get_body(("html",)).get_content()
    assert "A chart is sent in words: Install some." in caplog.text


def test_the_email_is_in_the_language_of_the_member(board, cast, app, new_visitor, smtp, monday):
    visitor = new_visitor()
    subscribe(visitor, board, cast.host)
    with app.app_context(), transaction():
        db.session.merge(cast.host).locale = "ar"
    monday()
    html = smtp.messages[0].get_body(("html",)).get_content()
    assert 'dir="rtl"' in html
    assert "Open the dashboard" not in html


def test_each_member_gets_it_in_their_own_language(cast, app, smtp, monday, monkeypatch):
    # The parts beyond the limit are one, which has a name in the language of the reader.
    monkeypatch.setattr(mail, "MAX_ROWS", 100)
    parts = {"values": {f"dish {number}": 1 for number in range(40)}}
    module = {"id": "dishes", "title": "Dishes", "type": "pie", "data": parts, "row": 1, "width": 6}
    with app.app_context(), transaction():
        people = [db.session.merge(each) for each in (cast.host, cast.friend)]
        people[1].locale = "es"
        dashboard = service.create(people[0], "Dishes", {**BOARD, "modules": [module]})
        service.share(dashboard, {cast.friend.username: MemberRole.VIEWER})
        for each in people:
            weekly.subscribe(dashboard, each)
    assert monday() == 2
    texts = [message.get_body(("plain",)).get_content() for message in smtp.messages]
    assert [(": Other;" in text, ": Otros;" in text) for text in texts] == [(True, False), (False, True)]


def test_who_may_see_it_no_longer_gets_it_no_longer(board, cast, app, new_visitor, smtp, monday):
    subscribe(new_visitor(), board, cast.friend)
    with app.app_context(), transaction():
        service.share(db.session.query(service.Dashboard).filter_by(slug=board).one(), {})
    assert monday() == 0
    assert smtp.messages == []


def test_a_subscription_is_cancelled_on_the_page_or_by_the_link_in_the_email(
    board, cast, app, new_visitor, smtp, monday
):
    visitor = new_visitor()
    subscribe(visitor, board, cast.host)
    assert "No longer by e-mail" in visitor.get(f"/dashboards/{board}").text
    assert visitor.post(f"/dashboards/{board}/weekly/cancel").flashes[0][0] == "info"
    assert monday() == 0
    # The login has ended by then.
    subscribe(visitor, board, cast.host)
    with app.app_context(), transaction():
        unsubscribe.unsubscribe(cast.host.email, "dashboards")
    assert "By e-mail each week" in visitor.get(f"/dashboards/{board}").text
    assert monday(MONDAY.replace(day=25)) == 0


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_nobody_is_promised_an_email(board, cast, new_visitor):
    page = subscribe(new_visitor(), board, cast.host)
    assert page.flashes == [
        ("warning", "The dashboard will be written each Monday, but this site has no mail server yet.")
    ]


def test_nobody_subscribes_to_what_they_may_not_see(board, cast, new_visitor):
    assert subscribe(new_visitor(), board, cast.stranger).status == 404


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", "2027-01-18T07:59", "2027-01-18T08:00"),
        ("UTC", "2027-01-18T08:00", "2027-01-25T08:00"),
        ("Pacific/Auckland", "2027-01-17T20:00", "2027-01-24T19:00"),
        # The clocks go forward on the Sunday between.
        ("America/New_York", "2027-03-12T15:00", "2027-03-15T12:00"),
    ],
)
def test_the_week_begins_on_the_clock_of_the_member(app, cast, zone, now, expected):
    cast.host.timezone = zone
    with app.app_context():
        found = weekly.next_monday(cast.host, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).replace(tzinfo=UTC)
