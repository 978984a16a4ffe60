"""CSV files of dashboards: what their columns are, what is too much, and who sees them."""

from datetime import UTC, date, datetime

import pytest

from app.charts.model import Kind, Refusal
from app.dashboards.data import service as data
from app.dashboards.data import uploads
from app.dashboards.data.models import DashboardUpload
from app.dashboards.enums import MemberRole
from app.dashboards.models import Dashboard, DashboardMember
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from tests.parties.api_client import ApiClient

NUMBER, TEXT, DATE, MOMENT, BOOLEAN = Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.BOOLEAN


@pytest.mark.parametrize(
    ("cells", "delimiter", "kind", "values"),
    [
        (["1", "-2", "", "+3"], ",", NUMBER, (1, -2, None, 3)),
        (["1.5", "1,234.5", "12,345,678"], ";", NUMBER, (1.5, 1234.5, 12345678)),
        (["1,5", "1.234,5", "7"], ",", NUMBER, (1.5, 1234.5, 7)),
        # Both readings fit: a file with semicolons is from where decimals have a comma.
        (["1,234"], ",", NUMBER, (1234,)),
        (["1,234"], ";", NUMBER, (1.234,)),
        (["1,5", "1.5"], ",", TEXT, ("1,5", "1.5")),
        (["1,23,4"], ",", TEXT, ("1,23,4",)),
        (["nan", "inf", "1e5"], ",", TEXT, ("nan", "inf", "1e5")),
        (["9" * 400], ",", TEXT, ("9" * 400,)),
        (["9" * 20], ",", NUMBER, (1e20,)),
        (["2030-02-28", ""], ",", DATE, (date(2030, 2, 28), None)),
        (["2030-02-31"], ",", TEXT, ("2030-02-31",)),
        (["28/02/2030"], ",", TEXT, ("28/02/2030",)),
        (
            ["2030-02-28 12:30", "2030-02-28T12:30:05Z"],
            ",",
            MOMENT,
            (datetime(2030, 2, 28, 12, 30, tzinfo=UTC), datetime(2030, 2, 28, 12, 30, 5, tzinfo=UTC)),
        ),
        (["true", "FALSE", ""], ",", BOOLEAN, (True, False, None)),
        (["", ""], ",", TEXT, (None, None)),
        (["<b>", "a\nb"], ",", TEXT, ("<b>", "a\nb")),
    ],
)
def test_columns_are_what_all_of_their_cells_are(cells, delimiter, kind, values):
    lines = [delimiter.join(("x", '"{}"'.format(cell.replace('"', '""')))) for cell in cells]
    table = uploads.parse("\r\n".join([f"name{delimiter}value", *lines, ""]).encode("utf-8-sig"))
    assert (table.columns[1].kind, tuple(row[1] for row in table.rows)) == (kind, values)


def test_names_of_columns_are_there_and_different():
    table = uploads.parse(b"a;;a;a (2)\n1;2;3;4\n\n5;6\n")
    assert [column.name for column in table.columns] == ["a", "Column 2", "a (2)", "a (2) (2)"]
    assert table.rows == [(1, 2, 3, 4), (5, 6, None, None)]
    assert uploads.parse(b"a\tb\n1\t2").rows == [(1, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file has no rows. Its first line has the names of the columns."),
        (b"a,b\n\n", "The file has no rows. Its first line has the names of the columns."),
        (b"a,b\n1,2\n\xff,3", "Line 3 is not in UTF-8. Save the file as CSV in UTF-8."),
        (b"a,b\n1,2,3", "Line 2 has more cells than there are columns."),
        (b"a,b\n1," + b"x" * 200_000, "Line 2 cannot be read as CSV."),
        (b",".join([b"a"] * 51) + b"\n1", "The file has more than 50 columns."),
        (b"a\n" + b"1\n" * 10_001, "The file has more than 10000 rows."),
        (b"a\n" + b"1" * 1024 * 1024, "The file has more than 1024 KB."),
    ],
)
def test_what_cannot_be_read_is_an_error_at_the_field(app, content, message):
    with app.test_request_context(), pytest.raises(DomainError) as caught:
        uploads.parse(content)
    assert (str(caught.value), caught.value.field) == (message, "file")


def test_the_largest_file_is_read(app):
    table = uploads.parse(b"a\n" + b"1.5\n" * 10_000)
    assert len(table.rows) == 10_000


@pytest.fixture
def board(app, cast):
    with app.app_context(), transaction():
        board = Dashboard(
            slug="board", name="Board", owner_id=cast.host.id, configuration={"layout": "grid", "modules": []}
        )
        board.members = [DashboardMember(member_id=cast.friend.id, role=MemberRole.VIEWER)]
        db.session.add(board)
    return board


@pytest.mark.both_databases
def test_who_sees_the_dashboard_sees_its_files(app, ask, cast, board):
    with app.app_context(), transaction():
        upload = uploads.store(board, "sales\0.csv", "day;sum;näme\n2030-01-31;1,5;ö\n".encode())
        assert [each.name for each in uploads.of(board)] == ["sales.csv"]
    for member in (cast.host, cast.friend, cast.admin):
        table = ask(member, {"upload": upload.key})
        assert [(column.name, column.kind) for column in table.columns] == [
            ("day", DATE),
            ("sum", NUMBER),
            ("näme", TEXT),
        ]
        assert table.rows == [(date(2030, 1, 31), 1.5, "ö")]
    for member in (cast.stranger, None):
        assert ask(member, {"upload": upload.key}) == Refusal(f"There is no uploaded file “{upload.key}”.")
    # Who was let in to see this dashboard sees what is on it.
    with app.test_request_context():
        assert data.load({"upload": upload.key}, {}, board).rows == table.rows
        assert isinstance(data.load({"upload": upload.key}, {}, Dashboard(id=board.id + 1)), Refusal)
    with app.app_context(), transaction():
        db.session.delete(db.session.get_one(Dashboard, board.id))
    with app.app_context():
        assert db.session.query(DashboardUpload).count() == 0
    assert isinstance(ask(cast.host, {"upload": upload.key}), Refusal)


def test_a_dashboard_has_a_limited_number_of_files(app, board, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    with app.test_request_context(), transaction():
        uploads.store(board, "a.csv", b"a\n1")
        with pytest.raises(DomainError, match="at most 1 files"):
            uploads.store(board, "b.csv", b"a\n1")


def test_files_come_and_go_by_the_api_and_with_clones(app, ask, cast):
    client = ApiClient(app, cast.host, base="/api/v1/dashboards")
    made = client.post(body={"name": "Sales"}, status=201)["result"]
    path = f"/{made['id']}"
    refused = client.ask("POST", f"{path}/uploads", {"name": "a.csv", "file": "a"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["file"])
    answer = client.post(f"{path}/uploads", {"name": "a.csv", "file": "a\n1\n"}, status=201)
    key = answer["result"]["id"]
    assert (answer["message"], answer["result"]["rows"]) == ("The file “a.csv” was uploaded.", 1)
    module = {"id": "m", "title": "", "row": 1, "data": {"upload": key}}
    client.patch(path, {"version": 1, "configuration": {"layout": "grid", "modules": [module, {**module, "id": "n"}]}})
    clone = client.post(f"{path}/clone", status=201)["result"]
    keys = {each["data"]["upload"] for each in clone["configuration"]["modules"]}
    assert len(keys) == 1
    assert [each["id"] for each in client.get(f"/{clone['id']}/uploads")["result"]] == [*keys]
    assert key not in keys
    assert client.delete(f"{path}/uploads/{key}")["message"] == "The file was deleted."
    assert client.ask("DELETE", f"{path}/uploads/{key}").status_code == 404
    assert isinstance(ask(cast.host, {"upload": key}), Refusal)
    assert ask(cast.host, {"upload": keys.pop()}).rows == [(1,)]
    stranger = ApiClient(app, cast.stranger, base="/api/v1/dashboards")
    assert stranger.ask("GET", f"{path}/uploads").status_code == 404
