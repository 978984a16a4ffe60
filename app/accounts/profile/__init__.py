"""A member's profile."""
