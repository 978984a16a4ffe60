"""Check-in: tickets, and the page on which hosts check guests in."""
