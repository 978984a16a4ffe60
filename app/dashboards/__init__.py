"""Dashboards: charts of the site's figures, arranged by their owners."""
