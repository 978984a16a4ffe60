"""Links by which anybody sees a dashboard, until they expire or are revoked."""
