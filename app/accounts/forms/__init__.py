"""The forms of accounts, by the pages they stand on."""
