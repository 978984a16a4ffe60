"""What the tests stand on: databases, a browser-like client, factories, a mail server, the running site."""

import os

# Whether to try for an hour what the usual run tries for a few seconds: more of what is random, and more at once.
THOROUGH = os.environ.get("DINNERPARTY_THOROUGH", "") != ""
