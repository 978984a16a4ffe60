"""Only people with an e-mail address of certain domains may register and log in."""

import os
from collections.abc import Iterator
from pathlib import Path

from flask import Blueprint, Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app import plugins
from app.accounts.models import ADMIN, Member
from app.accounts.registration.hooks import Applicant, registration_failed, registration_validating
from app.accounts.signals import login_verified, required
from app.errors import DomainError
from app.extensions import appbuilder_of
from email_domains import refusals
from email_domains.views import RefusedDomainView

FOLDER = Path(__file__).parent
SETTING = "ALLOWED_EMAIL_DOMAINS"


def init_app(app: Flask) -> None:
    """Add the plug-in to `app`; raises ValueError, which stops the start, where no domain is configured."""
    domains = [domain.strip().lower() for domain in os.environ.get(SETTING, "").split(",") if domain.strip()]
    if not domains:
        raise ValueError(f"set {SETTING}, such as example.com,example.org")
    app.config[SETTING] = domains
    registration_validating.connect(refuse_other_domains, sender=app)
    registration_failed.connect(note_refusal, sender=app)
    login_verified.connect(refuse_login, sender=app)
    plugins.add_translations(app, FOLDER / "translations")
    plugins.add_migrations(app, "email_domains", FOLDER / "migrations")
    app.register_blueprint(Blueprint("email_domains", __name__, template_folder="templates"))
    label = lazy_gettext("Refused domains")
    appbuilder_of(app).add_view(RefusedDomainView, "Refused domains", label=label, category="People")


def refuse_other_domains(app: Flask, applicant: Applicant) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the e-mail address: the name of the field, and a sentence."""
    if not is_allowed(app, applicant.email):
        allowed = ", ".join(app.config[SETTING])
        yield "email", _("Please use an e-mail address of one of these domains: %(domains)s.", domains=allowed)


def note_refusal(app: Flask, applicant: Applicant, **_known: object) -> None:
    """Store the domain of a registration that was refused."""
    if not is_allowed(app, applicant.email):
        refusals.store(domain_of(applicant.email))


@required
def refuse_login(app: Flask, member: Member) -> None:
    """Refuse members of other domains, except administrators."""
    if any(role.name == ADMIN for role in member.roles) or is_allowed(app, member.email):
        return
    raise DomainError(_("Members with an e-mail address at %(domain)s may not log in.", domain=domain_of(member.email)))


def is_allowed(app: Flask, email: str) -> bool:
    """Whether an e-mail address is of one of the domains."""
    return domain_of(email) in app.config[SETTING]


def domain_of(email: str) -> str:
    """Return what follows the @, in lower case."""
    return email.rpartition("@")[2].lower()
