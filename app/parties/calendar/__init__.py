"""Calendars: iCalendar files, appointments in e-mails, and calendar feeds."""
