"""The migrations agree with the models, on both databases, upgrading and downgrading."""

import hashlib
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, func, inspect, select, text

from app import setup, zone_rules
from app.accounts import queries
from app.extensions import db
from tests.support import zones

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.slow,
    # SQLite does not reflect indexes on expressions.
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]


@pytest.fixture
def flask_db(app, database):
    """Run `flask db ...`, starting with an empty database."""
    database.empty()

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["db", *arguments])
        assert result.exit_code == 0, result.output

    return run


@pytest.fixture
def revisions(app):
    return ScriptDirectory(app.extensions["migrate"].directory)


def schema(app):
    """Return the schema of the database, in lines.

    FAB's constraints have names, and its keys defaults, only in the migrations: both are left out.
    """
    with app.app_context():
        inspector = inspect(db.engine)
        questions = {
            "column": inspector.get_columns,
            "primary key": lambda table: [inspector.get_pk_constraint(table)],
            "foreign key": inspector.get_foreign_keys,
            "unique": inspector.get_unique_constraints,
            "check": inspector.get_check_constraints,
            "index": lambda table: [
                index for index in inspector.get_indexes(table) if "duplicates_constraint" not in index
            ],
        }
        return {
            f"{table}: {what} {plain(what, fact)}"
            for table in inspector.get_table_names()
            if table != "alembic_version"
            for what, facts in questions.items()
            for fact in facts(table)
        }


def plain(what, fact):
    left_out = {"column": {"default", "autoincrement"}, "check": set(), "index": set()}.get(what, {"name"})
    return {key: in_words(value) for key, value in fact.items() if key not in left_out}


def in_words(value):
    """Return the conditions of partial indexes as text; others stay as they are."""
    return {key: str(each) for key, each in value.items()} if isinstance(value, dict) else value


def test_the_migrations_make_the_schema_of_the_models_and_go_both_ways(app, database, flask_db, revisions):
    flask_db("upgrade")
    flask_db("check")
    newest = schema(app)
    for _revision in revisions.walk_revisions():
        flask_db("downgrade")
    assert schema(app) == set()
    flask_db("upgrade")
    assert schema(app) == newest
    database.empty()
    with app.app_context():
        db.create_all()
    assert schema(app) == newest


# A database that has run a migration never runs it again. What is wrong in one is mended by a new one, which is added here.
RELEASED = {
    "0001_initial": "233d7d1fc15afb821ce178604bee036c",
    "0002_accounts": "0980718e8ef82f7b6f5b3771ead877ef",
    "0003_calendar": "edf5e00d194156f50acda132a05f0e49",
    "0004_food": "9882bfd46a0b3f11476b907437addd10",
    "0005_waiting_list": "a2debeecc45ed1f6fa8771c1a171e96e",
    "0006_guests": "021387d5ed35577ee79edafa143e9206",
    "0007_names": "558c2f8bdb30bf5fa1fd005c7ebdaee7",
    "0008_kinds": "2d6de7331d0c6541ebddae87e34ce0b5",
    "0009_temporary_passwords": "1c51489e0dc48eabaaf3dbf629edfbc5",
    "0010_clocks": "a8a8c1b413764973a4b860e3362527f9",
    "0011_inbound": "69de88103af86dfd8008c4fce0e8dae1",
    "0012_calendar_entries": "a9ad6cb59e33bab17a4fd143b90c7278",
    "0013_pictures": "e33bbe54d3c717833daa81b3516878c4",
    "0014_search_key": "c44d5c89ab5313fea8b46adec660c9b4",
    "0015_party_series": "1e222ff7ce580a8d280eb08fe3d13e88",
    "0016_directory_people": "8951c0a20bd814e83a5ebb47aa5f5626",
    "0017_keys_and_provider_sessions": "d0f7ac75af92d4003d5ffae513ef7142",
    "0018_jobs": "e963edcb363833536a8c481f005b6389",
    "0019_dashboards": "68e68fb69bf49175b312778eae192c1b",
    "0020_dashboard_data": "2301dd7955b0b546d72c3d480ebcdbb9",
    "0021_dashboard_links": "b61650a7c413f5f578c3927442715077",
    "0022_faster_search_key": "55e22ba4b1d17ad3da72e592e6f5b4eb",
    "0023_area": "8a179cebbaabe4f1805b6b30dbaed2c7",
    "0024_guests_without_detours": "33fa353668231cc95d0b366acc501a4b",
    "0025_saved_views": "e150d7287c6474ad696c8407ff6da1af",
    "0026_deleted_rows": "851e93742f17779115cfda22ae74cfd8",
    "0027_login_session_order": "ac360f1ea7c617dced5f67c6c3573094",
    "0028_large_sites": "a421561ac4b6b4ab955b51143abc988e",
    "0029_message_progress": "dfc6209bc4ff8afa605766bb821aa65b",
}


def test_a_released_migration_is_never_edited(app):
    folder = Path(app.extensions["migrate"].directory) / "versions"
    hashes = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest()[:32] for file in folder.glob("*.py")}
    assert hashes == RELEASED


def test_there_is_one_migration_head(revisions):
    assert len(revisions.get_heads()) == 1


def test_rsvps_survive_the_waiting_list_migration_in_both_directions(app, flask_db):
    flask_db("upgrade", "0002")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("INSERT INTO ab_user (id, first_name, last_name, username, email) "
                                "VALUES (1, 'A', 'B', 'ana', 'ana@example.com')"))  # fmt: skip
        connection.execute(text(
            "INSERT INTO dinner_party (id, title, slug, host_id, starts_at, timezone, duration_minutes, venue, address, "
            "main_dish, description, number_seats, seats_taken, visibility, status, version, created_at) VALUES "
            "(1, 't', 's', 1, '2040-01-01', 'UTC', 60, '', '', '', '', 4, 3, 'public', 'published', 1, '2026-01-01')"
        ))  # fmt: skip
        connection.execute(text("INSERT INTO rsvp (id, party_id, member_id, email, name, party_size, status, note, answered_at) "
                                "VALUES (7, 1, 1, 'ana@example.com', 'Ana', 3, 'yes', '', '2026-01-01')"))  # fmt: skip
    flask_db("upgrade", "0005")
    with app.app_context(), db.engine.begin() as connection:
        row = connection.execute(text("SELECT party_size, min_party, resting, max_party FROM rsvp, dinner_party")).one()
        assert tuple(row) == (3, 3, False, 4)
        connection.execute(text("INSERT INTO rsvp (id, party_id, email, name, party_size, status, note, answered_at) "
                                "VALUES (8, 1, 'bo@example.com', 'Bo', 1, 'offered', '', '2026-01-01')"))  # fmt: skip
        connection.execute(text("INSERT INTO wait_offer (party_id, rsvp_id, seats, created_at, expires_at, state) "
                                "VALUES (1, 8, 1, '2026-01-01', '2026-01-02', 'pending')"))  # fmt: skip
        connection.execute(text("UPDATE dinner_party SET seats_taken = 4"))
    flask_db("downgrade", "0002")
    with app.app_context(), db.engine.begin() as connection:
        assert connection.execute(text("SELECT seats_taken FROM dinner_party")).scalar_one() == 3
        rows = connection.execute(text("SELECT id, party_size, status FROM rsvp ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(7, 3, "yes"), (8, 1, "waitlisted")]


def test_references_to_an_rsvp_survive_the_rebuild_of_its_table(app, flask_db):
    flask_db("upgrade", "0004")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("INSERT INTO ab_user (id, first_name, last_name, username, email) "
                                "VALUES (1, 'A', 'B', 'ana', 'ana@example.com')"))  # fmt: skip
        connection.execute(text(
            "INSERT INTO dinner_party (id, title, slug, host_id, starts_at, timezone, duration_minutes, venue, address, "
            "main_dish, description, number_seats, seats_taken, visibility, status, version, created_at) VALUES "
            "(1, 't', 's', 1, '2040-01-01', 'UTC', 60, '', '', '', '', 4, 3, 'public', 'published', 1, '2026-01-01')"
        ))  # fmt: skip
        connection.execute(text("INSERT INTO rsvp (id, party_id, member_id, email, name, party_size, status, note, answered_at) "
                                "VALUES (7, 1, 1, 'ana@example.com', 'Ana', 3, 'yes', '', '2026-01-01')"))  # fmt: skip
        connection.execute(text("INSERT INTO rsvp_person (id, rsvp_id, position, name, diets, allergens, note) "
                                "VALUES (1, 7, 0, 'Zoe', '[]', '[]', '')"))  # fmt: skip
    for way in (("upgrade", "0005"), ("downgrade", "0004")):
        flask_db(*way)
        with app.app_context(), db.engine.begin() as connection:
            assert connection.execute(text("SELECT name FROM rsvp_person WHERE rsvp_id = 7")).scalar_one() == "Zoe"


NAMES = {
    ("can_list", "LetterModelView"): ("can_list", "OutboxEmailModelView"),
    ("menu_access", "Answers"): ("menu_access", "RSVPs"),
    ("menu_access", "Post"): ("menu_access", "Mail"),
    ("take_back", "InvitationModelView"): ("revoke_invitation", "InvitationModelView"),
    ("can_answer", "PartyView"): ("can_rsvp", "PartyView"),
}


@pytest.mark.parametrize(
    ("taken", "target"),
    [((), "head"), (("menu_access", "Mail"), "0007")],
    ids=["", "a package has a menu of the new name"],
)
def test_roles_keep_their_rights_when_permissions_are_renamed(app, flask_db, taken, target):
    flask_db("upgrade", "0006")
    with app.app_context(), db.engine.begin() as connection:

        def key(table, **values):
            """Return the ID of a row, which is created if it is missing."""
            rows = Table(table, MetaData(), autoload_with=connection)
            find = select(rows.c.id).where(*(rows.c[column] == value for column, value in values.items()))
            if connection.execute(find).first() is None:
                last = connection.execute(select(func.max(rows.c.id))).scalar() or 0
                connection.execute(rows.insert().values(id=last + 1, **values))
            return connection.execute(find).scalar_one()

        for role, pairs in {"Cook": [*NAMES, taken], "Guest": [*NAMES][-1:]}.items():
            for pair in filter(None, pairs):
                permission_view = key(
                    "ab_permission_view",
                    permission_id=key("ab_permission", name=pair[0]),
                    view_menu_id=key("ab_view_menu", name=pair[1]),
                )
                key("ab_permission_view_role", permission_view_id=permission_view, role_id=key("ab_role", name=role))
    flask_db("upgrade", target)
    assert granted(app, "Cook") == set(NAMES.values())
    assert granted(app, "Guest") == {("can_rsvp", "PartyView")}
    flask_db("downgrade", "0006")
    assert granted(app, "Cook") == set(NAMES)


def test_queued_emails_keep_their_place_when_their_kind_is_renamed(app, flask_db):
    flask_db("upgrade", "0007")
    with app.app_context(), db.engine.begin() as connection:
        letter = text("INSERT INTO letter (id, kind, dedupe_key, recipient, name, locale, timezone, subject, text, html, message_id, "
                      "state, attempts, crashes, priority, not_before, last_error, created_at) VALUES (:id, :kind, :key, 'a@x.example', "
                      "'', 'en', 'UTC', '', '', '', '', 'queued', 0, 0, 5, '2026-01-01', '', '2026-01-01')")  # fmt: skip
        connection.execute(letter, {"id": 1, "kind": "food_clash", "key": "food_clash:7:a:b"})
        connection.execute(letter, {"id": 2, "kind": "erased", "key": "7: erased"})
    flask_db("upgrade", "0008")
    assert kinds(app) == [("dietary_conflict", "dietary_conflict:7:a:b"), ("account_deleted", "7: erased")]
    flask_db("downgrade", "0007")
    assert kinds(app) == [("food_clash", "food_clash:7:a:b"), ("erased", "7: erased")]


def test_calendars_that_were_sent_a_party_before_are_known(app, flask_db):
    flask_db("upgrade", "0009")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("INSERT INTO ab_user (id, first_name, last_name, username, email) "
                                "VALUES (1, 'A', 'B', 'ana', 'Ana@example.com')"))  # fmt: skip
        connection.execute(text(
            "INSERT INTO dinner_party (id, title, slug, host_id, starts_at, timezone, duration_minutes, venue, address, "
            "main_dish, description, number_seats, seats_taken, max_party, approval, address_for_guests, map_url, "
            "share_round, hidden_reason, visibility, status, version, ics_sequence, created_at) VALUES "
            "(1, 't', 's', 1, '2040-01-01', 'UTC', 60, '', '', '', '', 4, 3, 4, false, false, '', "
            "0, '', 'public', 'published', 1, 3, '2026-01-01')"
        ))  # fmt: skip
        rsvp = text("INSERT INTO rsvp (id, party_id, member_id, email, name, party_size, min_party, status, note, answered_at, "
                    "resting) VALUES (:id, 1, :member, :email, '', 1, 1, :status, '', '2026-01-01', false)")  # fmt: skip
        connection.execute(rsvp, {"id": 1, "member": 1, "email": "ana@example.com", "status": "yes"})
        connection.execute(rsvp, {"id": 2, "member": None, "email": "bo@example.org", "status": "cancelled"})
        invitation = text("INSERT INTO invitation (id, party_id, email, name, max_party, round, invited_by_id, created_at, sent_at) "
                          "VALUES (:id, 1, :email, '', 1, 1, 1, '2026-01-01', :sent_at)")  # fmt: skip
        connection.execute(invitation, {"id": 1, "email": "Iris@example.org", "sent_at": "2026-01-01"})
        connection.execute(invitation, {"id": 2, "email": "jo@example.org", "sent_at": None})
    flask_db("upgrade", "0012")
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(text("SELECT email, method, sequence FROM calendar_entry ORDER BY email")).all()
    assert [tuple(row) for row in rows] == [("ana@example.com", "REQUEST", 3), ("iris@example.org", "REQUEST", 3)]


def kinds(app):
    with app.app_context(), db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT kind, dedupe_key FROM letter ORDER BY id"))]


def test_rows_whose_addresses_are_the_same_are_all_kept_and_told_of(app, flask_db, caplog):
    flask_db("upgrade", "0015")
    spelled = ["JÖRG@bücher.example", "jörg@bücher.example", "JÖRG@xn--bcher-kva.example"]
    with app.app_context(), db.engine.begin() as connection:
        # PostgreSQL knows the case of Ö, so that only the domain differs there.
        if connection.dialect.name == "postgresql":
            spelled[1] = "jörg@bücher.example."
        for number, email in enumerate(spelled, start=1):
            connection.execute(text(
                "INSERT INTO ab_user (id, first_name, last_name, username, email, diets, allergens, session_stamp, ban_reason, "
                "password_is_temporary, answers_at_once) VALUES (:id, 'A', 'B', :name, :email, '[]', '[]', '', '', false, false)"
            ), {"id": number, "name": f"Name{number}", "email": email})  # fmt: skip
            connection.execute(text(
                "INSERT INTO unreachable_address (id, email, problem, reason, is_reported, refusals, first_at, last_at) "
                "VALUES (:id, :email, 'full', '', false, 1, '2026-01-01', '2026-01-01')"
            ), {"id": number, "email": email.lower() + str(number)})  # fmt: skip
    flask_db("upgrade")
    assert "ab_user: the email of these rows is that of an older row, spelled otherwise. All are kept. IDs: 2, 3" in [
        record.getMessage() for record in caplog.records
    ]
    with app.app_context():
        rows = db.session.execute(text("SELECT username_key, email_key, duplicate FROM ab_user ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [
            (f"name{number}", "jörg@xn--bcher-kva.example", number - 1) for number in (1, 2, 3)
        ]
        # Each logs in as it is spelled; any other spelling is the oldest one's.
        found = [queries.member_by_name_or_email(email).id for email in (*spelled, "Jörg@Bücher.example", "NAME2")]
        assert found == [1, 2, 3, 1, 2]
    flask_db("downgrade", "0015")
    flask_db("upgrade")
    with app.app_context():
        assert db.session.scalar(text("SELECT max(duplicate) FROM ab_user")) == 2


def granted(app, role):
    """Return what a role may do, as (permission, view)."""
    statement = text(
        "SELECT p.name, v.name FROM ab_permission_view_role g JOIN ab_permission_view pv ON pv.id = g.permission_view_id "
        "JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu v ON v.id = pv.view_menu_id "
        "JOIN ab_role r ON r.id = g.role_id WHERE r.name = :role"
    )
    with app.app_context(), db.engine.connect() as connection:
        return {tuple(row) for row in connection.execute(statement, {"role": role})}


def test_parties_get_the_local_time_that_was_typed_and_setup_derives_the_moment_anew(
    app, flask_db, tmp_path, monkeypatch
):
    flask_db("upgrade", "0009")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("INSERT INTO ab_user (id, first_name, last_name, username, email, diets, allergens, session_stamp, "
                                "ban_reason, password_is_temporary) "
                                "VALUES (1, 'A', 'B', 'ana', 'ana@example.com', '[]', '[]', '', '', false)"))  # fmt: skip
        for key, zone, start, deadline in (
            (1, "America/Vancouver", "2040-01-16 03:00:00", "2040-01-15 20:00:00"),
            (2, "Europe/Madrid", "2020-10-25 01:30:00", None),
            (3, "Mars/Olympus", "2040-01-16 03:00:00", None),
        ):
            connection.execute(text(
                "INSERT INTO dinner_party (id, title, slug, host_id, starts_at, rsvp_deadline, timezone, duration_minutes, venue, "
                "address, main_dish, description, number_seats, seats_taken, visibility, status, version, created_at, max_party, "
                "approval, address_for_guests, map_url, share_round, hidden_reason) VALUES "
                "(:key, 't', :slug, 1, :start, :deadline, :zone, 60, '', '', '', '', 4, 1, 'public', 'published', 1, '2026-01-01', "
                "4, false, false, '', 0, '')"
            ), {"key": key, "slug": f"s{key}", "start": start, "deadline": deadline, "zone": zone})  # fmt: skip
        for key, member in ((1, 1), (2, None)):
            connection.execute(text(
                "INSERT INTO rsvp (id, party_id, member_id, email, name, party_size, min_party, status, note, answered_at, "
                "timezone, resting) VALUES (:key, 1, :member, :email, 'Ana', 1, 1, 'yes', '', '2026-01-01', 'UTC', false)"
            ), {"key": key, "member": member, "email": f"{key}@example.com"})  # fmt: skip
    # What the system has, which versions before read.
    monkeypatch.setenv("PYTHONTZPATH", str(zones.write(tmp_path, zones.OLD, zones.RULES[zones.OLD])))
    flask_db("upgrade")
    with app.app_context(), db.engine.begin() as connection:
        columns = text(
            "SELECT starts_at_local, starts_at_fold, rsvp_deadline_local, zone_rules FROM dinner_party ORDER BY id"
        )
        parties = connection.execute(columns).all()
        assert [tuple(str(value or "")[:16] for value in party) for party in parties] == [
            ("2040-01-15 19:00", "", "2040-01-15 12:00", ""),
            ("2020-10-25 02:30", "1", "", ""),
            ("2040-01-16 03:00", "", "", ""),
        ]
        assert connection.execute(text("SELECT timezone FROM rsvp ORDER BY id")).scalars().all() == ["UTC", None]
    with app.app_context():
        setup.prepare()
    with app.app_context(), db.engine.begin() as connection:
        starts = connection.execute(
            text("SELECT starts_at, rsvp_deadline, zone_rules FROM dinner_party ORDER BY id")
        ).all()
        assert [tuple(str(value or "")[:16] for value in start) for start in starts] == [
            ("2040-01-16 02:00", "2040-01-15 19:00", zone_rules.version()),
            ("2020-10-25 01:30", "", ""),
            ("2040-01-16 03:00", "", zone_rules.version()),
        ]
        told = connection.execute(text("SELECT kind, recipient FROM letter ORDER BY recipient")).all()
        assert [tuple(letter) for letter in told] == [
            ("party_changed", "2@example.com"),
            ("party_changed", "ana@example.com"),
        ]
