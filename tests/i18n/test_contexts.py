"""A short text of several features needs a context or a comment, unless it means the same in all of them."""

from pathlib import Path

import pytest

from app.i18n import catalogs, files

ROOT = Path(__file__).parents[2]
# One a line. Who adds one has looked at each place (`flask i18n where`) and seen that one translation is right in all.
ONE_MEANING = frozenset((Path(__file__).parent / "one_meaning.txt").read_text(encoding="utf-8").splitlines())
SHORT = 2
# Their folders are features of their own.
SUBJECTS = {"accounts", "parties"}


def feature_of(name: str) -> str | None:
    """Return the feature a file of the application belongs to; None for a file of a package."""
    first, *parts = name.removeprefix("app/").split("/")
    if not name.startswith("app/"):
        return None
    if first == "templates":
        return parts[0]
    return f"{first}/{parts[0]}" if first in SUBJECTS and len(parts) > 1 else first


def is_in_several(names: list[str]) -> bool:
    features = {feature for feature in map(feature_of, names) if feature}
    # Templates are not sorted by subject.
    return len({feature.partition("/")[0] for feature in features} if features & SUBJECTS else features) > 1


@pytest.mark.slow
def test_a_short_text_of_several_features_says_what_it_means() -> None:
    found = set()
    for message in catalogs.messages(files.extract(ROOT)):
        source = catalogs.sources_of(message)[0]
        is_vague = len(source.split()) <= SHORT and not message.context and not message.auto_comments
        if is_vague and is_in_several([name for name, _line in message.locations]):
            found.add(source)
    assert sorted(found - ONE_MEANING) == [], (
        "use pgettext, or a comment `# Translators:`, or list it in one_meaning.txt"
    )
    assert sorted(ONE_MEANING - found) == [], "no longer needed in one_meaning.txt"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["app/crud/csv.py", "app/jobs/models.py"], True),
        (["app/parties/rsvps/texts.py", "app/parties/menu/texts.py"], True),
        (["app/parties/menu/texts.py", "app/templates/parties/menu.html"], False),
        (["app/crud/csv.py", "wtforms/validators.py"], False),
    ],
)
def test_features_are_told_by_folders(names: list[str], expected: bool) -> None:  # noqa: FBT001
    assert is_in_several(names) is expected
