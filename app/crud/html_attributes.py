"""The attributes of the fields of forms. WTForms' own function formats each one through Markup, a sixth of a large form."""

from typing import Any

from markupsafe import Markup, escape
from wtforms.widgets import core


def html_params(**attributes: Any) -> Markup:
    """Return attributes as WTForms does: True is a name alone, False is left out, the rest is escaped."""
    shown: list[str] = []
    for given, value in sorted(attributes.items()):
        name = escape(core.clean_key(given))
        if value is True:
            shown.append(name)
        elif value is not False:
            # What is HTML already may have quotes.
            text = str(escape(value)).replace('"', "&quot;")
            shown.append(f'{name}="{text}"')
    return Markup(" ".join(shown))  # noqa: S704 - escaped above


def install() -> None:
    """Have the widgets of WTForms use it."""
    core.html_params = html_params
    core.Input.html_params = core.Button.html_params = staticmethod(html_params)
