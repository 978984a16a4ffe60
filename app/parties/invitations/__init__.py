"""Invitations: personal links, share links, imported lists and the address book."""
