"""Jobs: what is due by the clock. Their rows say when each is due, who runs it, and why it failed."""
