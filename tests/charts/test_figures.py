"""The figure of a chart on a page, and its files."""

import datetime as dt
import re
import struct
import xml.etree.ElementTree as ET

import pytest
from flask import render_template_string

from app.charts import files, png, png_process
from app.charts.model import (
    Branch,
    Column,
    Event,
    Image,
    Kind,
    Mark,
    Multiples,
    Number,
    Numbers,
    Plot,
    Point,
    Prose,
    Refusal,
    Rows,
    Samples,
    Series,
    Table,
    Timeline,
    Tree,
    TreeShape,
    Words,
)

PLOT = Plot([Series("A", [Point("Berlin", 4), Point("Cádiz", 50)], Mark.BAR)])
HOSTILE = "<script>alert(1)</script>"


def shown(app, chart, locale="en", urls=None):
    with app.test_request_context(headers={"Accept-Language": locale}):
        source = '{% from "charts/figure.html" import figure %}{{ figure(chart, "Parties", "c1", urls) }}'
        return render_template_string(source, chart=chart, urls=urls)


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).strip()


def test_a_figure_has_a_name_a_description_its_values_and_files(app):
    page = shown(app, PLOT, urls={"csv": "/c.csv", "svg": "/c.svg"})
    assert 'role="img" aria-label="Parties" aria-describedby="c1-description"' in page
    assert re.search(r'id="c1-description">The lowest value is 4 \(Berlin\), the highest is 50 \(Cádiz\).<', page)
    assert re.search(r'<th scope="row">\s*<bdi>Berlin</bdi>\s*</th>\s*<td class="end">\s*<bdi>4</bdi>', page)
    assert re.findall(r'<a href="(/c[^"]*)" download>(\w+)</a>', page) == [("/c.svg", "SVG"), ("/c.csv", "CSV")]
    assert "style=" not in page


def test_a_figure_follows_the_direction_of_the_language(app):
    assert 'class="drawn plot m24 rtl"' in shown(app, PLOT, "ar")
    assert "rtl" not in shown(app, PLOT, "en")


def test_a_long_table_is_cut_and_says_so(app):
    page = shown(app, Plot([Series("A", Samples(list(range(5_000)), list(map(float, range(5_000)))))]))
    assert "The first 20 rows are shown." in page
    assert page.count('<th scope="row">') == 20


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        (Numbers([Number("Guests", 1234, "min", change=0.12, url="/x")]), "Guests 1,234 min 12% more than before"),
        (Rows(Table((Column("a", "City", Kind.TEXT), Column("b", "Guests")), [("Berlin", 4)])), "City Guests Berlin 4"),
        (Refusal("It would run a script."), "It would run a script."),
        (Timeline([Event("Soup", dt.date(2026, 3, 1), text="Nine guests")]), "Mar 1, 2026 Soup Nine guests"),
        (Words([("soup", 3)]), "soup (3)"),
        (Tree(Branch("all", 3, [Branch("b", 1)]), TreeShape.INDENTED, "ms"), "all 3 ms b 1 ms"),
        (Multiples([("North", PLOT), ("South", PLOT)]), "North"),
        (Prose("Hello"), "Hello"),
        (Image("https://elsewhere.example/x.png", "x"), "This image is on another site, so it is not shown."),
        (Plot([]), "There is nothing here yet."),
        (Plot(PLOT.series, notes=("Half of it is left out.",)), "Half of it is left out."),
    ],
)
def test_what_is_not_drawn_is_written(app, chart, words):
    assert words in text(shown(app, chart)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    "chart",
    [
        Numbers([Number(HOSTILE, HOSTILE, HOSTILE, HOSTILE, url="javascript:alert(1)")]),
        Rows(Table((Column("a", HOSTILE, Kind.TEXT, HOSTILE),), [(HOSTILE,)])),
        Refusal(HOSTILE),
        Timeline([Event(HOSTILE, dt.date(2026, 3, 1), text=HOSTILE, url="javascript:alert(1)")]),
        Words([(HOSTILE, 3)]),
        Tree(Branch(HOSTILE, 3, [Branch(HOSTILE, 1)]), TreeShape.INDENTED, HOSTILE),
        Prose(HOSTILE),
        Image('/x" onerror="alert(1)', HOSTILE),
        Multiples([(HOSTILE, PLOT)]),
    ],
    ids=lambda chart: type(chart).__name__,
)
def test_what_others_wrote_is_text(app, chart):
    page = shown(app, chart)
    assert "<script" not in page
    assert "javascript:" not in page
    assert ' onerror="' not in page
    with app.test_request_context():
        ET.fromstring(files.svg(chart, HOSTILE))  # noqa: S314 - it is what is tested


def test_a_file_has_its_own_colours(app):
    with app.test_request_context():
        drawn = files.svg(PLOT, "Parties")
    assert ".f0{fill:#8a1c3a}" in drawn
    assert "var(" not in drawn
    assert ">Parties</text>" in drawn


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_a_picture_has_its_words(app, locale):
    if not png_process.is_available():
        # This machine has no font.
        with pytest.raises(png.NoFontError), app.test_request_context():
            png.draw(PLOT, "")
        return
    with app.test_request_context(headers={"Accept-Language": locale}):
        named, bare = (
            png.draw(Plot([Series("A", [Point(x, 4)], Mark.BAR)]), title)
            for x, title in (("برلين Berlin", "حفلات"), ("", ""))
        )
    assert named.startswith(b"\x89PNG")
    assert struct.unpack(">I", named[16:20])[0] == 2 * files.WIDTH
    # Without a font, resvg would leave out the words, and both would be the same.
    assert len(named) > len(bare) + 1_000


def test_without_a_font_it_is_said_what_to_install(tmp_path):
    with pytest.raises(png.NoFontError, match="fonts-dejavu-core"):
        png.find_fonts((str(tmp_path),))
