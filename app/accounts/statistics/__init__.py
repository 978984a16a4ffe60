"""Statistics of accounts."""
