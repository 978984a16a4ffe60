"""Dinner parties, with one package for each subject."""


def init_app() -> None:
    # Importing a model must not import the rest.
    from app.inbound import registry
    from app.inbound.addresses import REPLY
    from app.parties.messages import replies
    from app.parties.rsvps import calendar_replies

    registry.register(REPLY, replies.handle)
    # Few processes receive e-mail, and the others need not read iCalendar.
    registry.register_calendar(lambda *reply: calendar_replies.handle(*reply))  # noqa: PLW0108
