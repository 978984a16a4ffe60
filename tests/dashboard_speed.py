"""How long sixty charts of the site's own queries take over many parties: `python -m tests.dashboard_speed [parties]`.

On each database when nothing is kept, after the daily job has counted, and again within the minute for which answers are. By the clock, so
other programs on the machine count.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from flask import g
from sqlalchemy import text

from app.accounts.models import Member
from app.charts.model import Refusal
from app.dashboards.data import service as data
from app.dashboards.data import stored_periods
from app.database import transaction
from app.extensions import db
from tests.support import postgres
from tests.support.databases import Database, SqliteFiles, application
from tests.support.factories import MemberFactory, RowFactory

PARTIES, MEMBERS, GUESTS, YEARS = 1_000_000, 10_000, 2, 10
MONTHS, DAYS = (1, 3, 6, 12, 24, 60), (1, 7, 30, 90, 366)
HOSTS = ("member7", "member8", "member9")
# About what 60 charts show: every query, with what people choose.
CHARTS = [
    *({"query": name, "parameters": {"months": months}} for months in MONTHS for name in (
        "parties_per_month", "seats_and_answers", "no_shows", "waiting_times", "registrations_per_month",
    )),
    *({"query": name, "parameters": {"days": days}} for days in DAYS for name in ("emails_by_state", "logins_per_day")),
    *({"query": name, "parameters": {"host": host}} for host in HOSTS for name in (
        "parties_per_month", "seats_and_answers", "no_shows",
    )),
    *({"query": name, "parameters": {"months": months}} for months in (12, 60) for name in (
        "diets_by_season", "my_parties_per_month", "my_no_shows",
    )),
    {"query": "my_guests_per_party"},
    {"query": "my_guests_per_party", "parameters": {"parties": 200}},
    {"query": "languages_of_members"},
    {"query": "site_performance"},
    {"query": "translation_progress"},
]  # fmt: skip
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})",
    "postgresql": "WITH numbers(n) AS (SELECT generate_series(1, {count}))",
}
MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', (-{seconds}) || ' seconds')",
    "postgresql": "(now() at time zone 'utc' - {seconds} * interval '1 second')",
}
FILL = [
    """INSERT INTO ab_user (id, first_name, last_name, username, username_key, email, email_key, duplicate, active, locale,
        joined_at, answers_at_once, password_is_temporary, session_stamp, ban_reason, diets, allergens)
        {numbers} SELECT n + 1000, 'First', 'Last', 'member' || n, 'member' || n, 'member' || n || '@example.com',
        'member' || n || '@example.com', 0, {true}, CASE n % 3 WHEN 0 THEN 'es' WHEN 1 THEN 'en' ELSE 'ar' END, {moment}, {false}, {false},
        '', '', '[]', '[]' FROM numbers""",
    """INSERT INTO dinner_party (id, title, slug, host_id, starts_at_fold, timezone, starts_at, zone_rules, duration_minutes,
        venue, address, main_dish, description, number_seats, seats_taken, max_party, rsvp_deadline_fold, approval,
        address_for_guests, map_url, share_round, hidden_reason, visibility, status, version, ics_sequence, created_at)
        {numbers} SELECT n, 'Dinner ' || n, 'dinner-' || n, 1001 + n % {members}, 0, 'UTC', {moment}, '', 180, '', '', '', '',
        8, {guests}, 4, 0, {false}, {false}, '', 0, '', 'public', CASE n % 10 WHEN 0 THEN 'cancelled' ELSE 'done' END, 1, 0, {moment}
        FROM numbers""",
    """INSERT INTO rsvp (id, party_id, member_id, email, email_key, duplicate, name, party_size, min_party, status, note,
        answered_at, resting)
        {numbers} SELECT n, 1 + (n - 1) / {guests}, 1001 + (n * 7) % {members}, 'guest' || n || '@example.com',
        'guest' || n || '@example.com', 0, '', 1, 1, CASE n % 20 WHEN 0 THEN 'no_show' WHEN 1 THEN 'no' ELSE 'checked_in' END, '',
        {moment}, {false} FROM numbers""",
    # The diets of the last month and the next.
    """INSERT INTO rsvp_person (id, rsvp_id, position, name, diets, allergens, note)
        {numbers} SELECT n, n, 0, '', CASE n % 4 WHEN 0 THEN '["vegan", "no_pork"]' ELSE '[]' END{json}, '[]', '' FROM numbers""",
    """INSERT INTO letter (id, recipient, recipient_key, name, kind, locale, timezone, subject, text, html, dedupe_key, message_id,
        state, attempts, crashes, priority, not_before, last_error, created_at)
        {numbers} SELECT n, 'a@example.com', 'a@example.com', '', 'reminder', 'en', 'UTC', 'x', 'x', 'x', 'key' || n, '', 'sent', 1, 0,
        5, {moment}, '', {moment} FROM numbers""",
    """INSERT INTO audit_event (id, at, actor, action, subject_type, subject, before, after, address)
        {numbers} SELECT n + 1000, {moment}, '', CASE n % 3 WHEN 0 THEN 'logged_in' ELSE 'profile_changed' END, '', '', '{{}}', '{{}}', ''
        FROM numbers""",
]


def main() -> None:
    """Fill each database, and measure."""
    parties = int(sys.argv[1]) if len(sys.argv) > 1 else PARTIES
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = stack.enter_context(postgres.running_server())
        for kind, where in (("sqlite", SqliteFiles(Path(folder))), ("postgresql", place)):
            database = Database(where, Path(folder))
            database.reset()
            _measure(kind, database, parties, Path(folder))
            database.close()


def _measure(kind: str, database: Database, parties: int, folder: Path) -> None:
    app = application(database.url, folder, {"METRICS_TOKEN": "x" * 20})
    RowFactory.app = app
    reader = MemberFactory(username="reader", admin=True)
    began = time.monotonic()
    with app.app_context():
        _fill(kind, parties, reader)
    say(f"{kind}: {parties} parties written", time.monotonic() - began)
    began = time.monotonic()
    with app.app_context():
        counted = stored_periods.count_due()
    say(f"{kind}: the job counts {counted} periods", time.monotonic() - began)
    for state in ("cold, the first time", "cold again", "warm"):
        if state != "warm":
            app.extensions.pop(data.CACHE, None)
        with app.test_request_context("/"):
            g._login_user = db.session.get_one(Member, reader.id)  # noqa: SLF001 - as Flask-Login does
            took = {}
            for number, source in enumerate(CHARTS):
                began = time.monotonic()
                answer = data.load(source, {})
                took[number] = time.monotonic() - began
                if isinstance(answer, Refusal):
                    sys.exit(f"{source}: {answer.reason}")
        say(f"{kind}: {len(CHARTS)} charts, {state}", sum(took.values()))
        if state == "cold again":
            for number in sorted(took, key=lambda each: -took[each])[:6]:
                say(f"    {CHARTS[number]}", took[number])
    with app.app_context():
        db.engine.dispose()


def _fill(kind: str, parties: int, reader: Member) -> None:
    counts = (MEMBERS, parties, parties * GUESTS, parties * GUESTS // (YEARS * 6), parties // 5, parties // 5)
    # Nothing refers to what is not there.
    free = "PRAGMA foreign_keys = OFF" if kind == "sqlite" else "SET session_replication_role = replica"
    db.session.execute(text(free))
    yes, no = ("1", "0") if kind == "sqlite" else ("true", "false")
    for statement, count in zip(FILL, counts, strict=True):
        # Spread over the years, the last month ahead.
        seconds = f"(n * 1.0 / {count} * {YEARS * 365 * 86400} - {30 * 86400})"
        filled = statement.format(
            numbers=NUMBERS[kind].format(count=count),
            moment=MOMENT[kind].format(seconds=f"CAST({seconds} AS INTEGER)"),
            members=MEMBERS, guests=GUESTS, true=yes, false=no, json="" if kind == "sqlite" else "::jsonb",
        )  # fmt: skip
        db.session.execute(text(filled.replace(":", "\\:")))
        db.session.commit()
    with transaction():
        db.session.execute(text(f"UPDATE dinner_party SET host_id = {reader.id} WHERE id % 1000 = 1"))  # noqa: S608
    # What autovacuum does by and by.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if kind == "sqlite" else "VACUUM ANALYZE"))


def say(name: str, seconds: float) -> None:
    """Print a figure."""
    print(f"{name:90} {seconds * 1000:8.0f} ms", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
