"""Text in Markdown, as HTML."""

from markupsafe import Markup, escape


def html(text: str) -> Markup:
    """Return the text in paragraphs, as it was written."""
    paragraphs = [escape(each.strip()) for each in text.split("\n\n") if each.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(each) for each in paragraphs)
