"""Login: name and password, second step, and reauthentication."""
