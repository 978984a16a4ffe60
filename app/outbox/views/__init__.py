"""The pages of the outbox.

letters        the generated UI: read letters, send them again, try the mail server
unsubscribing  what stands behind the link with which somebody asks for no more letters of a kind
"""
