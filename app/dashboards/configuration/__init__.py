"""The configuration of a dashboard: JSON text, its checks, and the places of its modules."""
