"""Moderation: reports of public parties, and parties that administrators hide."""
