"""Views of parties: `pages` for hosts and guests, `generated` for administrators."""
