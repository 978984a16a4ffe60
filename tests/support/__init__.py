"""Support for tests: databases, a browser-like client, factories, a mail server, the running site."""

import os

# Whether to run for an hour instead of a few seconds: more random examples, and more threads.
THOROUGH = os.environ.get("DINNERPARTY_THOROUGH", "") != ""
