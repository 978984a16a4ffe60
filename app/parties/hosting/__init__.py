"""Hosting: hosts create, change, cancel and copy parties, and add co-hosts."""
