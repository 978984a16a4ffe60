"""Texts that are shown in English on a page of an unfinished language: they keep their own `lang` and `dir`.

Only what becomes HTML is known to be on a page, so a template puts marks around such a text, and the finished page turns them
into elements. Where HTML has text alone, in attributes or in a title, they go. Nothing is done for finished languages.
"""

import re

from flask import Response, g, has_request_context
from markupsafe import Markup

from app.i18n import selectors

# Of Unicode's private use, which no text has: validity refuses them in translations.
OPENING, CLOSING = "\ue0f0", "\ue0f1"
MARKS = re.compile(f"[{OPENING}{CLOSING}]")
IN_JSON = re.compile(r"\\ue0f[01]")
ELEMENT = {OPENING: '<span lang="en" dir="ltr">', CLOSING: "</span>"}
# Tags, comments, and elements that contain text alone.
NO_ELEMENTS = re.compile(
    r"<!--.*?-->|<(title|option|textarea|script|style)\b.*?</\1\s*>|<[a-zA-Z/](?:\"[^\"]*\"|'[^']*'|[^'\">])*>",
    re.DOTALL | re.IGNORECASE,
)


def mark(text: Markup) -> Markup:
    """Return a text for HTML with marks around it."""
    return OPENING + text + CLOSING


def spans(html: str) -> str:
    """Turn the marks between tags into elements, and remove those within."""
    result, end = [], 0
    for found in NO_ELEMENTS.finditer(html):
        result += [_elements(html[end : found.start()]), MARKS.sub("", found[0])]
        end = found.end()
    return "".join([*result, _elements(html[end:])])


def _elements(text: str) -> str:
    return MARKS.sub(lambda found: ELEMENT[found[0]], text)


def is_page_unfinished() -> bool:
    """Whether texts in English have to be marked: the reader's language is unfinished, and this is a page."""
    # E-mails have an application context of their own.
    if not has_request_context() or "recipient" in g:
        return False
    if "marks_untranslated" not in g:
        g.marks_untranslated = bool(selectors.current_locale_info().untranslated)
    return bool(g.marks_untranslated)


def finish(response: Response) -> Response:
    """Turn the marks of a page into elements; what is no page loses them."""
    if not g.get("marks_untranslated") or response.direct_passthrough or response.is_streamed:
        return response
    text = response.get_data(as_text=True)
    if response.mimetype == "text/html":
        response.set_data(spans(text))
    elif (response.mimetype or "").startswith("text/") or response.is_json:
        response.set_data(IN_JSON.sub("", MARKS.sub("", text)))
    return response
