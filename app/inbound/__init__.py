"""The inbound door: e-mail that comes back to the site.

It comes by LMTP or SMTP on a local port (`server`), or from a mailbox (`imap`); both are off by default. Each message is
read (`reading`), sorted and handed to the handler of its kind (`sorting`, `registry`). What is trusted is the token in the
address (`addresses`), and nothing in the message.
"""
