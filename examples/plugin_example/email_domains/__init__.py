"""Only people with an e-mail address of certain domains may register."""

import os
from collections.abc import Iterator

from flask import Flask

from app.accounts.registration.hooks import Applicant, registration_validating

SETTING = "ALLOWED_EMAIL_DOMAINS"


def init_app(app: Flask) -> None:
    """Check registrations of `app`; raises ValueError, which stops the start, where no domain is configured."""
    domains = [domain.strip().lower() for domain in os.environ.get(SETTING, "").split(",") if domain.strip()]
    if not domains:
        raise ValueError(f"set {SETTING}, such as example.com,example.org")
    app.config[SETTING] = domains
    registration_validating.connect(refuse_other_domains, sender=app)


def refuse_other_domains(app: Flask, applicant: Applicant) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the e-mail address: the name of the field, and a sentence."""
    domain = applicant.email.rpartition("@")[2].lower()
    if domain not in app.config[SETTING]:
        yield "email", f"Please use an e-mail address at {' or '.join(app.config[SETTING])}."
