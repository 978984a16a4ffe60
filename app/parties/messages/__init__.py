"""Messages of hosts to their guests, and reminders."""
