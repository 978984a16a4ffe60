"""Style sheets as they are served say what their sources say."""

from pathlib import Path

import pytest

import config
from app.compression import minified

# The rules as the browser has understood them. It keeps the spaces in the values of variables.
RULES = """text => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return [...sheet.cssRules].map(rule => rule.cssText.replace(/,\\s+/g, ","));
}"""
SOURCES = sorted(Path(config.ROOT, "app/static").glob("*.css"))


@pytest.fixture
def rules(open_page):
    page = open_page()
    return lambda text: page.evaluate(RULES, text)


def test_style_sheets_lose_no_rule_when_they_are_made_shorter(rules):
    assert SOURCES
    for path in SOURCES:
        assert rules(minified(path).decode()) == rules(path.read_text("utf-8")), path.name
