"""Login: name and password, throttling, and reauthentication."""
