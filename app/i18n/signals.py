"""What the rest of the application may want to know."""

from blinker import Namespace

# Sent by an application, with `locale`: the key of the language that its reader has just chosen.
locale_chosen = Namespace().signal("locale-chosen")
