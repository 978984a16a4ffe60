"""The menu, what guests do not eat, and conflicts between the two."""
