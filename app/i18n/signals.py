"""Signals of this package."""

from blinker import Namespace

# Sent when a visitor or member chooses a language; `locale` is its key.
locale_chosen = Namespace().signal("locale-chosen")
