"""New passwords: the strength hint and the button that shows them."""

import pytest


@pytest.fixture
def register(page, site):
    page.goto(f"{site}/register/form")
    return page


@pytest.mark.parametrize(
    ("password", "hint"),
    [
        ("soup", "Too short"),
        ("password12", "Easy to guess"),
        ("abcdefgh1234", "Easy to guess"),
        ("soup for eight", "Fairly hard to guess: add a few more words to make it strong"),
        ("another evening, another soup", "Hard to guess"),
        ("ليلة طويلة وعشاء على الشرفة", "Hard to guess"),
    ],
)
def test_a_hint_shows_the_strength_of_a_password(register, password, hint):
    assert not register.locator(".strength").is_visible()
    register.fill("#password", password)
    assert register.locator(".strength").inner_text() == hint


def test_a_password_can_be_shown_and_is_hidden_before_sending(register):
    register.fill("#password", "soup")
    register.click("text=Show the password")
    assert register.get_attribute("#password", "type") == "text"
    register.click("text=Hide the password")
    assert register.get_attribute("#password", "type") == "password"
    register.click("text=Show the password")
    register.evaluate(
        "document.querySelector('main form').addEventListener('submit', (event) => event.preventDefault())"
    )
    register.click("main button[type=submit]")
    assert register.get_attribute("#password", "type") == "password"


def test_without_javascript_there_is_neither_hint_nor_show_button(open_page, site):
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/register/form")
    assert not page.locator(".strength").is_visible()
    assert not page.locator("text=Show the password").is_visible()
