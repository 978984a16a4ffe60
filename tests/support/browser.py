"""Chromium, where there is one: tests in it run if it is found, and are required where CI is set."""

import os
import shutil

MISSING = "no Chromium. Install it (apt-get install chromium), or set CHROMIUM to the path of its binary."


def find_chromium() -> str | None:
    """Return the path of the browser's binary, or None."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


def is_wanted() -> bool:
    """Whether its tests are to run, and to fail without it."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"} or find_chromium() is not None
