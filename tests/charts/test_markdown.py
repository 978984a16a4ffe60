"""Text in Markdown is safe to show."""

import pytest

from app.charts.markdown import html


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Bring *bread*.", "<p>Bring <em>bread</em>.</p>\n"),
        ("# Menu", "<h3>Menu</h3>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ('<img src="x" onerror="alert(1)">', "<p>&lt;img src=&quot;x&quot; onerror=&quot;alert(1)&quot;&gt;</p>\n"),
        ("![a pot](https://pictures.example/pot.png)", "<p>a pot</p>\n"),
        ("![a pot](/static/pot.png)", '<p><img src="/static/pot.png" alt="a pot" /></p>\n'),
        ("a\x00b\ud800", "<p>ab</p>\n"),
    ],
)
def test_text_is_rendered(written: str, shown: str) -> None:
    assert html(written) == shown


@pytest.mark.parametrize("address", ["https://a.example/b", "mailto:ana@a.example", "/parties/"])
def test_links_say_nothing_of_this_site(address: str) -> None:
    assert html(f"[x]({address})") == f'<p><a href="{address}" rel="nofollow noopener noreferrer">x</a></p>\n'


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "data:text/html,x",
        "&#106;avascript:x",
        "//a.example",
        "vbscript:x",
        "file:///etc",
    ],
)
def test_other_links_are_none(address: str) -> None:
    assert "<a" not in html(f"[x]({address}) <{address}>\n\n[y]\n\n[y]: {address}")


@pytest.mark.parametrize("hostile", ["> " * 9_000, "[" * 20_000, "**_" * 7_000, "- " * 9_000, "|a|\n|-|\n" * 2_000])
def test_hostile_text_ends(hostile: str) -> None:
    assert len(html(hostile)) < 200_000
