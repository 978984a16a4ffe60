"""Unexpected errors are e-mailed to the error recipients."""

import pytest

from app.outbox.error_mail import ErrorMailHandler
from app.outbox.models import OutboxEmail
from tests.support.client import Visitor


@pytest.fixture
def broken(new_app, app):
    """A site with a page that fails."""
    site = new_app(ERROR_MAIL_TO="ops@example.com, night@example.com")
    site.config["PROPAGATE_EXCEPTIONS"] = False

    @site.get("/break/<word>")
    def break_down(word):
        raise ValueError(word)

    yield site
    for handler in [each for each in site.logger.handlers if isinstance(each, ErrorMailHandler)]:
        site.logger.removeHandler(handler)


def flush_error_handlers(site):
    for handler in site.logger.handlers:
        handler.flush()


def test_an_error_is_emailed_to_all_error_recipients(broken, records):
    assert Visitor(broken).get("/break/secret-word").status == 500
    flush_error_handlers(broken)
    letters = records.all(OutboxEmail)
    assert {letter.recipient for letter in letters} == {"ops@example.com", "night@example.com"}
    for letter in letters:
        assert "ValueError" in letter.subject
        assert "GET /break/<word>" in letter.text
        assert "break_down" in letter.text
        # The URL may contain anything.
        assert "secret-word" not in letter.text + letter.html + letter.subject


def test_the_same_error_is_emailed_once_an_hour(broken, records):
    browser = Visitor(broken)
    for word in ("one", "two", "three"):
        browser.get(f"/break/{word}")
    flush_error_handlers(broken)
    assert records.count(OutboxEmail) == 2


def test_errors_of_the_scheduler_are_emailed_too(broken, records):
    broken.logger.error("Cleanup failed")
    flush_error_handlers(broken)
    assert {letter.kind for letter in records.all(OutboxEmail)} == {"error_report"}


def test_a_page_not_found_is_not_emailed(broken, records):
    assert Visitor(broken).get("/nothing").status == 404
    flush_error_handlers(broken)
    assert records.count(OutboxEmail) == 0


def test_without_recipients_nothing_is_emailed(new_app, records):
    site = new_app()
    assert not any(isinstance(each, ErrorMailHandler) for each in site.logger.handlers)
    assert records.count(OutboxEmail) == 0
