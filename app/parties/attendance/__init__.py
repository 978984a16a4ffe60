"""Attendance: no-shows, and parties that are over."""
