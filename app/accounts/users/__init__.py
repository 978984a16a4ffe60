"""Administration of users: add, change, ban, unlock, sign out, delete."""
