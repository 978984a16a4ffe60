"""Passwords: policy, hashing, reset and change."""
