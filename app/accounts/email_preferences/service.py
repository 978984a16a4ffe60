"""Which optional e-mails a member wants, and when hosts hear of answers."""

from collections.abc import Collection
from typing import Any

from app import clock
from app.accounts.email_preferences.rules import AT_ONCE, DAILY, NEVER
from app.accounts.models import Member
from app.outbox import unsubscribe
from app.outbox.models import EmailTopic


def of_member(member: Member) -> dict[str, Any]:
    """Return the wanted topics, and how the member hears of answers."""
    topics = unsubscribe.wanted_topics(member.email)
    answers = (AT_ONCE if member.answers_at_once else DAILY) if EmailTopic.ANSWERS in topics else NEVER
    return {"topics": topics, "answers": answers}


def store(member: Member, topics: Collection[str], answers: str) -> None:
    """Store the wanted topics, and how the member hears of answers."""
    if answers == DAILY and of_member(member)["answers"] != DAILY:
        # What they have heard of, or did not want to hear of, is no news.
        member.answers_told_at = clock.now()
    unsubscribe.set_topics(member.email, {*topics} | ({EmailTopic.ANSWERS} if answers != NEVER else set()))
    member.answers_at_once = answers == AT_ONCE
