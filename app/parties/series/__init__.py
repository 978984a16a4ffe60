"""Recurring dinners: each date is a party of its own."""
