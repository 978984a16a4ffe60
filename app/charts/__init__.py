"""Charts: what they show (`model`), how they are read from descriptions, and how they are drawn on the server."""
