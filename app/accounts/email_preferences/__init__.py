"""Which optional e-mails a member receives."""
