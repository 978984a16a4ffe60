"""Accounts: members, how they log in, and what administrators do with them."""
