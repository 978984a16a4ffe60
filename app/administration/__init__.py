"""What administrators see first: what waits for them, and ways to everything."""
