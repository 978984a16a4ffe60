"""Parties: what is on the table, and who sits at it."""
