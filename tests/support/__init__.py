"""What the tests stand on: databases, a browser-like client, factories, a mail server, the running site."""
