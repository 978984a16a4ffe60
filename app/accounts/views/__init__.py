"""Views of accounts: `pages` for people who come in, `generated` for administrators."""
