"""Names of browsers and systems, from the User-Agent header."""

from typing import Any

from flask_babel import lazy_gettext

# A marker and the name it stands for. The first match wins: most browsers also name those that they resemble.
BROWSERS = (
    ("Edg/", "Edge"), ("EdgA/", "Edge"), ("EdgiOS/", "Edge"), ("OPR/", "Opera"), ("Opera", "Opera"), ("OPT/", "Opera"),
    ("Vivaldi/", "Vivaldi"), ("SamsungBrowser/", "Samsung Internet"), ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"), ("Chromium/", "Chromium"), ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Macintosh", "macOS"), ("Linux", "Linux"), ("FreeBSD", "FreeBSD"),
)  # fmt: skip


def describe_user_agent(user_agent: str) -> Any:
    """Return "Firefox on Windows", lazily translated, or "Unknown browser"."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser and system:
        return lazy_gettext("%(browser)s on %(system)s", browser=browser, system=system)
    if system:
        return lazy_gettext("Unknown browser on %(system)s", system=system)
    return browser or lazy_gettext("Unknown browser")


def _first(markers: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for marker, name in markers if marker in user_agent), None)
