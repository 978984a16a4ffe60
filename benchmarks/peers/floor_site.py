"""The floor: Flask, one prepared statement, and a template. No login, no session, no menu, no form."""

import os

import psycopg
from flask import Flask, render_template
from psycopg.rows import dict_row

app = Flask(__name__)
SELECT = """SELECT party.*, host.first_name, host.last_name
    FROM dinner_party AS party JOIN member AS host ON host.id = party.host_id"""


class Connection:
    """The one of this process, opened by the first request."""

    opened = None


def query(statement, *parameters):
    if Connection.opened is None:
        Connection.opened = psycopg.connect(
            f"host={os.environ['PGHOST']} dbname={os.environ['PGDATABASE']} user={os.environ['PGUSER']}",
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=0,
        )
    return Connection.opened.execute(statement, parameters, binary=True).fetchall()


@app.get("/list")
def rows():
    found = query(f"{SELECT} ORDER BY party.starts_at DESC, party.id DESC LIMIT 25")
    return render_template("floor_list.html", parties=found)


@app.get("/show/<int:key>")
def show(key):
    (found,) = query(f"{SELECT} WHERE party.id = %s", key)
    return render_template("floor_show.html", party=found)


@app.get("/parties/")
def parties():
    found = query(
        f"""{SELECT} WHERE party.status = 'published' AND party.visibility = 'public' AND party.starts_at > now()
        ORDER BY party.starts_at, party.id LIMIT 24"""
    )
    for party in found:
        party["host"] = party
    return render_template("parties.html", parties=found, flashes=())
