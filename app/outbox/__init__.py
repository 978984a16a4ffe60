"""The outbox: e-mails that are waiting, sent or failed, and their delivery."""

from flask import Flask

from app.inbound import registry
from app.inbound.addresses import BOUNCE
from app.outbox import bounces, error_mail, texts


def init_app(app: Flask) -> None:
    error_mail.init_app(app)
    registry.register(BOUNCE, bounces.handle)
    # Pages that promise an e-mail say why there will be none.
    app.jinja_env.globals["not_sent"] = texts.not_sent
