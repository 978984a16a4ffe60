"""Raw JSON of a dashboard: each mistake is told with its line, column and path, and no text breaks the reader."""

import json

import pytest

from app.dashboards.configuration import checking as configuration
from app.dashboards.configuration import json_text
from app.dashboards.configuration.checking import ConfigurationProblemsError
from app.dashboards.rules import MAX_CONFIGURATION_BYTES, MAX_DEPTH


def problems(text):
    """Return (line, column, path, message) of each problem in a text."""
    with pytest.raises(ConfigurationProblemsError) as caught:
        configuration.parse(text)
    return [(each.line, each.column, each.path, each.message) for each in caught.value.problems]


def grid(*modules, **more):
    """Return the text of a grid with a module on each line."""
    lines = ",\n".join(json.dumps({"id": f"m{number}", "title": "", **module}) for number, module in enumerate(modules))
    return f'{{"layout": "grid", {"".join(f"{json.dumps(k)}: {json.dumps(v)}, " for k, v in more.items())}"modules": [\n{lines}]}}'


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "message"),
    [
        ("", 1, 1, "", "A value is missing here."),
        ('{"layout": "grid",\n "modules": [],}', 2, 16, "modules", "There must be no comma before “}”."),
        ('{"layout": "grid"\n "modules": []}', 2, 2, "layout", "A comma or “}” is missing here."),
        ('{"modules": [1 2]}', 1, 16, "modules[0]", "A comma or “]” is missing here."),
        ("{'modules': []}", 1, 2, "", 'Each name must be in quotation marks, as in "name".'),
        ('{"modules" []}', 1, 12, "modules", "A colon is missing after “modules”."),
        ('{"modules": tru}', 1, 13, "modules", "“tru” is no value. Texts are in quotation marks."),
        ('{"modules": NaN}', 1, 13, "modules", "“NaN” is no value. Texts are in quotation marks."),
        ('{"modules": -Infinity}', 1, 13, "modules", "“-Infinity” is no value. Texts are in quotation marks."),
        ('{"modules": 01}', 1, 13, "modules", "“01” is no value. Texts are in quotation marks."),
        ('{"modules": "a\nb"}', 1, 15, "modules", "A text must be on one line. Write \\n for a new line."),
        ('{"modules": "abc', 1, 13, "modules", "The closing quotation mark is missing."),
        ('{"modules": [', 1, 14, "modules[0]", "A value is missing here."),
        ('{"modules": []} x', 1, 17, "", "Nothing may follow after the end."),
        ('{"modules": [], "modules": []}', 1, 17, "modules", "“modules” stands here a second time."),
        (b'{"modules":\n "\xff"}', 2, 3, "", "From here on the text is not in UTF-8."),
        ("[]", 1, 1, "", "This is no dashboard: it has no list of modules."),
        ('{"layout": "grid"}', 1, 1, "", "This is no dashboard: it has no list of modules."),
    ],
)
def test_what_is_no_json_is_told_with_its_place(app, text, line, column, path, message):
    with app.app_context():
        assert problems(text) == [(line, column, path, message)]


BIG = "This number has too many digits. Write it as a text, in quotation marks."
UNSHOWABLE = "This text has a character that cannot be shown."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1e999", BIG),
        ("-1e999", BIG),
        ("9007199254740993", BIG),
        ("9" * 5000, BIG),
        ("1." + "0" * 900_000, BIG),
        ('"\\ud800"', UNSHOWABLE),
        ('"\\u0000"', UNSHOWABLE),
        ('"\x7f"', UNSHOWABLE),
    ],
    ids=["infinite", "negative", "rounded by JavaScript", "5000 digits", "a long fraction", "half", "NUL", "DEL"],
)
def test_what_other_programs_read_otherwise_is_refused(app, value, message):
    with app.app_context():
        assert problems(f'{{"layout": "freeform",\n"modules": {value}}}') == [(2, 12, "modules", message)]


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_ten_thousand_brackets_are_an_error_like_any_other(app, opening):
    with app.app_context():
        (problem,) = problems(opening * 10_000)
    assert problem[3] == f"Brackets are nested deeper than {MAX_DEPTH} levels."


@pytest.mark.parametrize("text", ["x" * 10_000_000, b" " * (MAX_CONFIGURATION_BYTES + 1)], ids=["10 MB", "spaces"])
def test_a_text_that_is_too_large_is_refused_before_it_is_read(app, text):
    with app.app_context():
        assert [each[3] for each in problems(text)] == [
            "A dashboard has at most 1024 KB of text. Show less data, or take it from a query."
        ]


def test_every_mistake_is_told_at_once_in_the_order_of_the_text(app):
    text = grid(
        {"row": 1, "width": 13, "widht": 3, "data": {"query": "a", "url": "javascript:alert(1)"}},
        {"row": 1.5, "height": "tall", "data": {"api": "https://elsewhere.example/"}, "title": 5},
        {"row": 1, "data": {"parameters": {}, "values": 1}, "inputs": [{"label": "x", "type": "file"}], "id": "a b"},
        {"refresh_seconds": 5, "specification": [], "data": {}},
        colour="red",
    )
    with app.app_context():
        found = problems(text)
    assert [(line, path, message) for line, _column, path, message in found] == [
        (1, "colour", "There is no property “colour” here."),
        (2, "modules[0].width", "This must be a number from 1 to 12."),
        (2, "modules[0].widht", "There is no property “widht” here."),
        (2, "modules[0].data", "Data comes from exactly one source: query, values, upload, api or url."),
        (2, "modules[0].data.url", "This must be an address that begins with https:// or http://."),
        (3, "modules[1].title", "This must be: a text."),
        (3, "modules[1].row", "This must be: a whole number."),
        (3, "modules[1].height", "This must be: a whole number."),
        (3, "modules[1].data.api", "This must be a path of the API of this site, such as /api/v1/parties/."),
        (4, "modules[2].id", "Use up to 80 letters from a to z, digits, hyphens and underscores."),
        (4, "modules[2].data", "Parameters belong to a query."),
        (4, "modules[2].inputs[0]", "The property “name” is missing here."),
        (4, "modules[2].inputs[0].type", found[12][3]),
        (5, "modules[3].specification", "This must be: an object: {...}, null."),
        (5, "modules[3].refresh_seconds", "This must be 0, for never, or a number from 10 to 86400."),
        (5, "modules[3].data", "Data comes from exactly one source: query, values, upload, api or url."),
    ] or found
    assert found[12][3].startswith("This must be one of: text, number, date")
    assert all(column for _line, column, *_rest in found)


def test_no_more_than_twenty_mistakes_are_told(app, monkeypatch):
    placed = []
    place = json_text.Document.problem
    monkeypatch.setattr(json_text.Document, "problem", lambda *given: placed.append(given) or place(*given))
    with app.app_context():
        assert len(problems(grid(*({"row": 0} for _ in range(150))))) == 20
        assert len(problems(grid(**{f"k{number}": 0 for number in range(10_000)}))) == 20
    # The line of each is counted in a text of a megabyte.
    assert len(placed) == 40


def test_what_is_too_much_is_not_looked_at(app):
    inputs = [{"row": 1, "inputs": [5] * 21}]
    with app.app_context():
        assert [each[3] for each in problems(grid(*[{"row": 0}] * 201))] == ["At most 200 entries are allowed."]
        assert [each[2:] for each in problems(grid(*inputs))] == [
            ("modules[0].inputs", "At most 20 entries are allowed.")
        ]


def test_a_mistake_behind_many_values_is_told_with_its_place(app):
    entries = [*range(5000), "a", [], {"b": [1.5]}, None]
    text = json.dumps([*entries, {"c": 1}])
    with app.app_context():
        wrong = json_text.read(text.replace('{"c": 1}', '{"c": 1e999}'), 40, 20)
        assert json_text.read(text, 40, 20).value == json.loads(text)
        comma = json_text.read(json.dumps(entries).replace("null]", "null, ]"), 40, 20)
        assert [each.message for each in comma.problems] == ["There must be no comma before “]”."]
        deep = json_text.read(text.replace('{"c": 1}', "[" * 40 + "]" * 40), 40, 20)
        assert [each.message for each in deep.problems] == ["Brackets are nested deeper than 40 levels."]
    (problem,) = wrong.problems
    assert (problem.path, problem.column) == (f"[{len(entries)}].c", len(text) - 2)
    # There may be half a million values.
    assert len(wrong.places) < 1100


def test_an_id_ends_where_it_seems_to_end(app):
    with app.app_context():
        assert [each[2] for each in problems(grid({"row": 1, "id": "a\n"}))] == ["modules[0].id"]


def test_what_cannot_be_shown_is_not_repeated_in_a_message(app):
    with app.app_context():
        told = problems('{"modules": [], "\\ud800": 1, "\\ud800": 2}')
    assert "“\ufffd” stands here a second time." in [each[3] for each in told]


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ([{"row": 1}, {}], [(3, "modules[1]", "A grid needs a row for each module. Give each module a row, or choose the free layout.")]),
        ([{"row": 2}], [(2, "modules[0].row", "The first row is row 1.")]),
        (
            [{"row": 4}, {"row": 1}, {"row": 4}],
            [(2, "modules[0].row", "Row 4 follows row 1. No row in between may be empty.")],
        ),
        (
            [{"row": 1, "width": 7}, {"row": 2, "width": 12}, {"row": 1}, {"row": 1}],
            [(4, "modules[2].width", "The modules of row 1 are wider than 12 columns.")],
        ),
        ([{"row": 1, "id": "a"}, {"row": 1, "id": "a"}], [(3, "modules[1].id", "“a” is here a second time. Each needs a name of its own.")]),
        (
            [{"row": 1, "inputs": [{"name": "x"}, {"name": "y"}, {"name": "x"}]}],
            [(2, "modules[0].inputs[2].name", "“x” is here a second time. Each needs a name of its own.")],
        ),
    ],
    ids=["no row", "row 1 is missing", "a gap", "too wide", "the same id", "the same input"],
)  # fmt: skip
def test_rules_beyond_the_schema(app, modules, expected):
    with app.app_context():
        assert [(line, path, message) for line, _column, path, message in problems(grid(*modules))] == expected


def test_a_configuration_gets_the_defaults_of_the_schema_and_keeps_the_order_of_its_keys(app):
    with app.app_context():
        read = configuration.parse('\ufeff{"modules": [{"title": "Ä", "id": "a", "width": 4.0}], "layout": "freeform"}')
    assert list(read) == ["modules", "layout", "version"]
    (module,) = read["modules"]
    assert list(module)[:3] == ["title", "id", "width"]
    assert isinstance(module["width"], int)
    shown = {name: module[name] for name in ("family", "height", "refresh_seconds", "inputs", "specification")}
    assert shown == {"family": "Vega", "height": 300, "refresh_seconds": 0, "inputs": [], "specification": None}


def test_the_fast_reader_and_the_exact_one_agree(app):
    texts = ['{"a": [1, 2.5, -0, 1e5, "\\u00e4", true, null, {}]}', "[]", '"x"', " 12 ", '{"a": {"b": []}}']
    with app.app_context():
        for text in texts:
            assert json_text.read_fast(text, 40).value == json_text.read(text, 40, 20).value == json.loads(text)


def test_values_that_were_not_read_here_are_checked_alike(app):
    deep = value = {}
    for _ in range(3000):
        value["a"] = value = {}
    hostile = [float("nan"), float("inf"), 10**400, "\ud800", deep, "x" * (MAX_CONFIGURATION_BYTES + 1)]
    with app.app_context():
        for value in hostile:
            module = {"id": "a", "title": "", "data": {"values": value}}
            with pytest.raises(ConfigurationProblemsError):
                configuration.check({"layout": "freeform", "modules": [module]})
        for value in (None, [], "text", 5, {"modules": None}, {"modules": {}}):
            with pytest.raises(ConfigurationProblemsError):
                configuration.check(value)


def test_rows_of_other_programs_are_made_to_fit():
    modules = [
        {"id": "a", "row": 7, "order": 2, "width": 12},
        {"id": "b", "row": 7, "order": 1, "width": 4},
        {"id": "c", "width": 6},
        {"id": "d", "row": 3, "order": 0, "width": 8},
        {"id": "e", "row": 3, "order": 1, "width": 4},
    ]
    placed = [(module["id"], module["row"]) for module in configuration.fit_rows(modules)]
    assert placed == [("d", 1), ("e", 1), ("b", 2), ("a", 3), ("c", 4)]


def test_each_field_of_the_schema_says_what_it_is():
    described = [configuration.schema(), *configuration.schema()["$defs"].values()]
    fields = [each for where in described for each in (where, *where["properties"].values()) if "$ref" not in each]
    assert all(each["title"] and each["description"] for each in fields)


def test_everybody_can_read_the_schema(visitor):
    page = visitor.get("/dashboards/schema.json")
    assert page.status == 200
    assert json.loads(page.text) == configuration.schema()
