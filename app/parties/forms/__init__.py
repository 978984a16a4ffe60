"""The forms of hosts and guests."""
