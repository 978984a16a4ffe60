"""What the rest of the application is told, because it keeps something about members, too."""

from blinker import Namespace

_signals = Namespace()

# Sent by a member who takes their data along, with `archive`: whoever keeps something about them adds it.
member_exporting = _signals.signal("member-exporting")
# Sent by a member who is being erased, in the transaction that does it, while they still have their name and address:
# whoever keeps something about them lets go of it.
member_erasing = _signals.signal("member-erasing")
