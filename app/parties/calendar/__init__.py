"""Calendars: iCalendar files, appointments in e-mails and the replies to them, and calendar feeds."""
