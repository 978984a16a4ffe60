"""The rows of a large site, written by the database itself: as many as one asks for in every table that grows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Integer, Table

from app.extensions import metadata

# Rows are numbered from here, behind those of a new site. Row n of most tables belongs to party n and member n.
FIRST = 1_000
# Over ten years, the last month of them ahead.
MOMENT = "(now() at time zone 'utc' + interval '30 days' - make_interval(secs => ({count} - n)::float8 * 315360000 / {count}))"
AHEAD = "(({count} - n)::float8 * 3650 / {count} < 30)"
# Of letters, which are kept for a year.
WRITTEN = "(now() at time zone 'utc' - make_interval(secs => ({count} - n)::float8 * 31536000 / {count}))"
MEMBER, PARTY = f"{FIRST} + 1 + (n * 7) % {{ab_user}}", f"{FIRST} + 1 + (n - 1) % {{dinner_party}}"
SAME = f"{FIRST} + n"
DAY = "interval '1 day'"
# What is not named is NULL, or empty.
TABLES: Mapping[str, Mapping[str, str]] = {
    "ab_user": {
        # In another order than the members have joined.
        "username": "reverse(n::text) || '-person'",
        "username_key": "reverse(n::text) || '-person'",
        "email": "'person' || n || '@example.com'",
        "email_key": "'person' || n || '@example.com'",
        "first_name": "'Firste' || md5(n::text)",
        "last_name": "'Ñandú' || md5((n + 1)::text)",
        "active": "true",
        "joined_at": MOMENT,
        "last_login": MOMENT,
        "timezone": "'UTC'",
        "locale": "'en'",
    },
    "ab_user_role": {"user_id": SAME, "role_id": "(SELECT id FROM ab_role WHERE name = 'Guest')"},
    "ab_group": {"name": "'Group ' || n", "label": "'Group ' || n"},
    "ab_user_group": {"user_id": MEMBER, "group_id": f"{FIRST} + 1 + n % {{ab_group}}"},
    "dinner_party": {
        "title": "'Dinner ' || md5(n::text)",
        "slug": "'dinner-' || n",
        "host_id": MEMBER,
        "starts_at": MOMENT,
        "starts_at_local": MOMENT,
        "timezone": "'UTC'",
        "duration_minutes": "180",
        "venue": "'Venue ' || md5((n + 2)::text)",
        "area": "'Área ' || n % 997",
        "number_seats": "8",
        "max_party": "4",
        "visibility": "CASE n % 10 WHEN 0 THEN 'private' WHEN 1 THEN 'unlisted' ELSE 'public' END",
        "status": f"CASE WHEN {AHEAD} THEN 'published' WHEN n % 10 = 2 THEN 'cancelled' ELSE 'done' END",
        "version": "1",
        "created_at": MOMENT,
    },
    "co_host": {"party_id": PARTY, "member_id": f"{FIRST} + 1 + (n * 11) % {{ab_user}}", "created_at": MOMENT},
    "party_series": {"title": "'Series ' || n", "host_id": MEMBER, "frequency": "'weekly'", "every": "1", "created_at": MOMENT},
    "invitation": {
        "party_id": PARTY,
        "email": "'guest' || n || '@example.com'",
        "email_key": "'guest' || n || '@example.com'",
        "name": "'Guest ' || md5(n::text)",
        "max_party": "1",
        "token_hash": "md5(n::text)",
        "round": "1",
        "created_at": MOMENT,
        "sent_at": MOMENT,
        "invited_by_id": MEMBER,
    },
    "rsvp": {
        "party_id": f"{FIRST} + 1 + (n - 1) / 10 * 10 % {{dinner_party}}",
        "member_id": f"{FIRST} + 1 + (n * 13) % {{ab_user}}",
        "email": "'guest' || n || '@example.com'",
        "email_key": "'guest' || n || '@example.com'",
        "name": "'Guest ' || md5(n::text)",
        "party_size": "1",
        "min_party": "1",
        "status": f"CASE WHEN {AHEAD} THEN CASE WHEN n % 10 = 0 THEN 'waitlisted' ELSE 'yes' END"
        " WHEN n % 20 = 0 THEN 'no_show' ELSE 'checked_in' END",
        "answered_at": f"least({MOMENT}, now() at time zone 'utc')",
        "waitlisted_at": f"CASE WHEN n % 10 = 0 THEN {MOMENT} END",
    },
    "rsvp_person": {"rsvp_id": SAME, "position": "0", "name": "'Person ' || n"},
    "wait_offer": {
        "party_id": PARTY,
        "rsvp_id": SAME,
        "seats": "1",
        "created_at": MOMENT,
        "expires_at": f"{MOMENT} + {DAY}",
        "state": "'claimed'",
    },
    "line_event": {"party_id": PARTY, "rsvp_id": SAME, "kind": "'joined'", "at": MOMENT},
    "menu_item": {"party_id": PARTY, "position": "0", "course": "'main'", "name": "'Dish ' || md5(n::text)"},
    "dish_slot": {"party_id": PARTY, "position": "0", "course": "'main'", "name": "'Dish ' || md5(n::text)", "wanted": "1", "claimed": "1"},
    "dish_claim": {"slot_id": SAME, "rsvp_id": SAME, "quantity": "1", "dish": "'Dish ' || md5(n::text)", "created_at": MOMENT},
    "reminder": {
        "party_id": PARTY,
        "kind": "'start'",
        "hours_before": "24",
        "sent_at": f"CASE WHEN NOT {AHEAD} THEN {MOMENT} - {DAY} END",
    },
    "guest_message": {
        "party_id": PARTY,
        "author_id": MEMBER,
        "subject": "'Message ' || md5(n::text)",
        "recipients": "9",
        "mark": "md5(n::text)",
        "created_at": MOMENT,
    },
    "party_report": {"party_id": PARTY, "reporter_id": MEMBER, "reason": "'spam'", "state": "'dismissed'", "created_at": MOMENT},
    "contact": {
        "owner_id": MEMBER,
        "email": "'guest' || n || '@example.com'",
        "email_key": "'guest' || n || '@example.com'",
        "name": "'Guest ' || n",
        "invited_at": MOMENT,
    },
    "calendar_entry": {"party_id": PARTY, "email": "'guest' || n || '@example.com'", "method": "'REQUEST'"},
    "letter": {
        "recipient": "'guest' || n || '@example.com'",
        "recipient_key": "'guest' || n || '@example.com'",
        "name": "'Guest ' || md5(n::text)",
        "kind": "'invitation'",
        "locale": "'en'",
        "timezone": "'UTC'",
        "subject": "'Dinner ' || md5(n::text)",
        "dedupe_key": "'key' || n",
        "state": "CASE n % 100000 WHEN 1 THEN 'queued' WHEN 2 THEN 'failed' ELSE 'sent' END",
        "attempts": "1",
        "priority": "5",
        "not_before": MOMENT,
        "created_at": WRITTEN,
        "sent_at": WRITTEN,
    },
    "unreachable_address": {"email": "'gone' || n || '@example.com'", "problem": "'full'", "first_at": MOMENT, "last_at": MOMENT},
    "unsubscription": {
        "email": "'guest' || n || '@example.com'",
        "email_key": "'guest' || n || '@example.com'",
        "topic": "'messages'",
        "created_at": MOMENT,
    },
    "inbound_message": {
        "digest": "md5(n::text)",
        "sender": "'guest' || n || '@example.com'",
        "subject": "'Answer ' || md5(n::text)",
        "text": "'Text ' || md5(n::text)",
        "received_at": MOMENT,
    },
    "audit_event": {
        "at": f"least({MOMENT}, now() at time zone 'utc')",
        "actor_id": MEMBER,
        "actor": "'Member ' || (n * 7) % {ab_user}",
        "action": "CASE n % 3 WHEN 0 THEN 'logged_in' ELSE 'profile_changed' END",
        "subject_type": "'member'",
        "subject_id": MEMBER,
        "subject": "'Member ' || (n * 7) % {ab_user}",
        "address": "'192.0.' || n % 256 || '.' || n / 256 % 256",
    },
    "login_session": {"token_hash": "md5(n::text)", "member_id": MEMBER, "created_at": MOMENT, "last_seen_at": MOMENT},
    "device": {"token_hash": "md5(n::text)", "member_id": MEMBER, "created_at": MOMENT, "last_seen_at": MOMENT},
    "token": {"token_hash": "md5(n::text)", "member_id": MEMBER, "purpose": "'password_reset'", "created_at": MOMENT, "expires_at": MOMENT},
    "ab_register_user": {
        "username": "'new' || n",
        "username_key": "'new' || n",
        "email": "'new' || n || '@example.com'",
        "email_key": "'new' || n || '@example.com'",
        "expires_at": MOMENT,
        "activated_at": MOMENT,
    },
    "member_invitation": {
        "email": "'new' || n || '@example.com'",
        "email_key": "'new' || n || '@example.com'",
        "token_hash": "md5(n::text)",
        "locale": "'en'",
        "invited_by_id": MEMBER,
        "created_at": MOMENT,
        "expires_at": MOMENT,
    },
    "directory_person": {
        "unique_id": "'uid:' || n",
        "member_id": SAME,
        "username": "'person' || n",
        "email": "'person' || n || '@example.com'",
        "created_at": MOMENT,
        "checked_at": MOMENT,
    },
    "ab_api_key": {
        "uuid": "md5(n::text)",
        "name": "'Key ' || n",
        "key_hash": "md5(n::text)",
        "lookup_hash": "md5(n::text)",
        "key_prefix": "'key' || n",
        "scopes": "'read'",
        "user_id": MEMBER,
        "active": "true",
        "created_on": MOMENT,
        "expires_on": f"{MOMENT} + {DAY}",
    },
}  # fmt: skip
INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%(tables)s)
    AND indexdef NOT LIKE 'CREATE UNIQUE%%'"""
EMPTY = ((Boolean, "false"), (Integer, "0"), (DateTime, MOMENT), (JSON, "'[]'"))


def fill(connection: Connection, count: int, tables: Mapping[str, int] | None = None) -> None:
    """Write `count` rows into every table, or as many as `tables` says."""
    counts = {**dict.fromkeys(TABLES, count), **(tables or {})}
    # Neither foreign keys nor the trigger of the audit log are asked.
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    # PostgreSQL does not take rows for visible to all before their commit is on the disk.
    connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
    indexes = connection.exec_driver_sql(INDEXES, {"tables": list(TABLES)}).all()
    for name, _made in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    for name, values in TABLES.items():
        connection.exec_driver_sql(_statement(metadata.tables[name], values, counts))
    # Made at once they take half the time.
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
    for _name, made in indexes:
        connection.exec_driver_sql(made)


def settle(connection: Connection) -> None:
    """Do what PostgreSQL does in the background, outside a transaction: count values, and note what all may read."""
    connection.exec_driver_sql(f"VACUUM ANALYZE {', '.join(TABLES)}")


def _statement(table: Table, values: Mapping[str, str], counts: Mapping[str, int]) -> str:
    expressions = {column.name: values.get(column.name) or _empty(column) for column in table.columns}
    chosen = {name: expression for name, expression in expressions.items() if expression}
    names = ", ".join(f'"{name}"' for name in chosen)
    rows = f"SELECT {', '.join(chosen.values())} FROM generate_series(1, {{count}}) AS n"  # noqa: S608
    for name, count in {**counts, "count": counts[table.name]}.items():
        rows = rows.replace(f"{{{name}}}", str(count))
    return f"INSERT INTO {table.name} ({names}) {rows}".replace("%", "%%")


def _empty(column: Column[Any]) -> str:
    """Return what a column has that is not named: its key counts, and what cannot be NULL is empty."""
    if column.name == "id":
        return f"{FIRST} + n"
    kind = getattr(column.type, "impl", column.type)
    return "" if column.nullable else next((empty for each, empty in EMPTY if isinstance(kind, each)), "''")
