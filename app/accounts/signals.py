"""Signals for the parts of the application that store data of members, too."""

from blinker import Namespace

_signals = Namespace()

# Sent by a member whose data is exported, with `archive`: receivers add their data to it.
member_exporting = _signals.signal("member-exporting")
# Sent by a member whose account is being deleted, in the same transaction, while the row still has their name and
# e-mail address: receivers delete or anonymise their data.
member_erasing = _signals.signal("member-erasing")
