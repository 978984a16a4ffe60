"""The outbox: e-mails that are waiting, sent or failed, and their delivery."""

from flask import Flask

from app.outbox import cli, error_mail


def init_app(app: Flask) -> None:
    error_mail.init_app(app)
    app.cli.add_command(cli.outbox)
