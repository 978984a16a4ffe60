"""Messages from hosts to guests, and reminders."""
