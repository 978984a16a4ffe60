"""Dashboards by e-mail, each Monday morning, to the members who want them."""
