"""Login sessions, their cookies, and trusted devices."""
