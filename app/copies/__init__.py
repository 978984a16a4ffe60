"""Copies of a site in one file each: `flask backup`, `flask restore`, and `flask upgrade-check`."""
