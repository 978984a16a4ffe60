"""What people do in the systems that this one succeeds, here, in a left-to-right and a right-to-left language.

locale     the language of the test
visitor    a browser in that language; `log_in_as_new` logs a new member with that language in
says       says(page, category, text, **values): the page has this one flash, in the language
"""

import re

import pytest
from flask_babel import gettext, ngettext

from app.i18n.selectors import force_locale
from app.outbox.models import OutboxEmail
from tests.support.client import Visitor
from tests.support.factories import MemberFactory

PASSWORD = "dinner at eight, please"


@pytest.fixture(params=["en", "ar"])
def locale(request):
    return request.param


@pytest.fixture
def new_visitor(app, locale):
    """Make a browser in the language of the test."""

    def make():
        visitor = Visitor(app)
        visitor.post("/lang/", {"locale": locale, "next": "/"})
        return visitor

    return make


@pytest.fixture
def member(locale):
    """Make a member with the language of the test."""
    return lambda **values: MemberFactory(locale=locale, **values)


@pytest.fixture
def admin(member, client_of):
    """The browser of an administrator."""
    return client_of(member(username="boss", admin=True))


@pytest.fixture
def says(app, locale):
    def says(page, category, text, plural="", **values):
        with app.app_context(), force_locale(locale, "UTC"):
            shown = ngettext(text, plural, **values) if plural else gettext(text, **values)
        assert page.flashes == [(category, " ".join(shown.split()))], page
        assert locale == "en" or shown not in {text % values, (plural or text) % values}

    return says


@pytest.fixture
def register():
    """Send the form of registration; `changes` are other values."""

    def register(visitor, **changes):
        values = {"username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Byron"}
        form = visitor.get("/register/form").form("/register/form")
        return visitor.submit(form, **{**values, "password": PASSWORD, **changes})

    return register


@pytest.fixture
def link(records):
    """Return the path of the link in the last e-mail to somebody."""

    def link(recipient, path):
        email = [email for email in records.all(OutboxEmail) if email.recipient == recipient][-1]
        return re.search(rf"{path}\S+", email.text).group().replace("__secret__", email.secret).rstrip(".")

    return link
