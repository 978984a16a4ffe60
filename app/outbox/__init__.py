"""The outbox: e-mails that are waiting, sent or failed, and their delivery."""

from flask import Flask

from app.inbound import registry
from app.inbound.addresses import BOUNCE
from app.outbox import bounces, cli, error_mail


def init_app(app: Flask) -> None:
    error_mail.init_app(app)
    registry.register(BOUNCE, bounces.handle)
    app.cli.add_command(cli.outbox)
