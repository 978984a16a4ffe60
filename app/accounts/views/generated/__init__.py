"""The generated UI over accounts, for administrators."""
