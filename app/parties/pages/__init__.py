"""Pages and API endpoints that show a whole party."""
