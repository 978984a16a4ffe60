"""Pages of accounts, for people."""
