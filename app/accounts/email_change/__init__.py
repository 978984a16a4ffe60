"""Changing the e-mail address of an account, with a way back."""
