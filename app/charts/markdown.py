"""Markdown as HTML that is safe to show: no HTML of its own, links to pages and addresses only, images of this site only."""

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from app.charts.limits import MAX_TEXT
from app.charts.reading.values import UNPRINTABLE, link

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# Lists and quotes inside each other: beyond it, the parser leaves them as they are.
MAX_NESTING = 10


def html(text: str) -> Markup:
    """Return a text in Markdown as HTML. Headings begin below those of the page."""
    return Markup(_parser().render(UNPRINTABLE.sub("", text[:MAX_TEXT])))  # noqa: S704 - the parser escapes


@cache
def _parser() -> "MarkdownIt":
    # Its import takes a tenth of a second, and few pages have Markdown.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    parser.validateLink = _is_link  # type: ignore[assignment, method-assign]
    parser.core.ruler.push("for_a_page", _for_a_page)
    return parser


def _is_link(address: str) -> bool:
    return bool(link(address)) or address.lower().startswith("mailto:")


def _for_a_page(state: Any) -> None:
    """Change what the parser has read: links say nothing of this site, images of others become links."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "nofollow noopener noreferrer")
            elif child.type == "image" and not str(child.attrGet("src")).startswith("/"):
                child.type, child.content, child.children = "text", child.content, None
