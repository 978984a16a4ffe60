"""The files that translators edit: extracting the template, updating catalogs, one canonical form.

Canonical: sorted by text, unwrapped, files without line numbers, no dates, nothing obsolete. Whatever program
saved a file last, a difference in git is a difference in words.
"""

from collections.abc import Iterator
from pathlib import Path

import flask_appbuilder
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import normalize
from flask_login.config import LOGIN_MESSAGE, REFRESH_MESSAGE

from app.i18n import catalogs, validity
from app.i18n.locales import SOURCE
from app.i18n.plurals import rule_of

PACKAGES = ("flask_appbuilder", "flask_wtf", "wtforms")
# Flask-Login translates its messages without marking them.
UNMARKED = {"flask_login/config.py": (LOGIN_MESSAGE, REFRESH_MESSAGE)}
COMMENT_TAG = "Translators:"
KEYWORDS = DEFAULT_KEYWORDS | {
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}
# A comment `# machine: <engine> <date>`: served, but not yet checked by a person.
MACHINE = "machine:"


def po_path(directory: Path, key: str) -> Path:
    """Return the path of the catalog of a locale."""
    return directory / key / "LC_MESSAGES" / "messages.po"


def po_paths(directory: Path) -> list[Path]:
    """Return the paths of all catalogs."""
    return sorted(directory.glob("*/LC_MESSAGES/messages.po"))


def key_of(path: Path) -> str:
    """Return the locale that a catalog is for."""
    return path.parent.parent.name


def extract(root: Path) -> Catalog:
    """Return all texts of the project in `root`, and those that installed packages show through it."""
    template = Catalog(charset="utf-8")
    for name, message, comments, context in (*_ours(root), *_theirs()):
        known = template.get(message if isinstance(message, str) else message[0], context)
        places = {(name, 0), *(known.locations if known else ())}
        template.add(message, locations=sorted(places), auto_comments=comments, context=context)
    return template


def update(template: Catalog, old: Catalog | None, key: str) -> Catalog:
    """Return the catalog of a locale with the texts of the template and what was translated before.

    English is its own translation. Nothing is guessed by similarity: wrong texts would look finished.
    """
    catalog = Catalog()
    for message in catalogs.messages(template):
        sources = catalogs.sources_of(message)
        known = old.get(sources[0], message.context) if old else None
        kept = catalogs.texts_of(known) if known and len(catalogs.sources_of(known)) == len(sources) else ()
        if key == SOURCE:
            kept = sources
        catalog.add(
            message.id,
            kept[0] if kept and len(sources) == 1 else kept,
            locations=message.locations,
            flags={"fuzzy"} if known and known.fuzzy and any(kept) else (),
            auto_comments=message.auto_comments,
            user_comments=known.user_comments if known else (),
            context=message.context,
        )
    return catalog


def seed(catalog: Catalog, key: str) -> None:
    """Fill a new catalog with what the packages bring for its locale."""
    theirs = catalogs.upstream(key, rule_of(key))
    for message in catalogs.messages(catalog):
        known = theirs.get((message.context, catalogs.sources_of(message)[0]))
        if known and len(catalogs.sources_of(message)) == 1 and not any(catalogs.texts_of(message)):
            message.string = known[0]


def dump(catalog: Catalog, key: str | None) -> str:
    """Return the canonical form of a catalog, or of the template when there is no `key`."""
    ordered = sorted(catalogs.messages(catalog), key=_sorting)
    count = rule_of(key).count if key else 2
    return "\n\n".join([_header(key), *("\n".join(_lines(message, count)) for message in ordered)]) + "\n"


def write(catalog: Catalog, path: Path, key: str | None) -> bool:
    """Write the canonical form when it differs from what is there; return whether it did."""
    text = dump(catalog, key)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def is_unchecked(message: Message) -> bool:
    """Tell whether a text was translated by a machine, and no person has said yet that it is right."""
    return any(comment.startswith(MACHINE) for comment in message.user_comments)


Found = tuple[str, str | tuple[str, ...], list[str], str | None]


def _ours(root: Path) -> Iterator[Found]:
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(
        root,
        methods,
        options,
        KEYWORDS,
        [COMMENT_TAG],
        strip_comment_tags=True,
        directory_filter=lambda path: Path(path).relative_to(root).parts[0] == "app",
    )
    for name, _line, message, comments, context in found:
        yield name, message, comments, context


def _theirs() -> Iterator[Found]:
    site_packages = Path(flask_appbuilder.__file__).parent.parent
    for package in PACKAGES:
        for path in sorted((site_packages / package).rglob("*.py")):
            name = path.relative_to(site_packages).as_posix()
            for _line, message, _comments, context in extract_from_file("python", path, KEYWORDS):
                yield name, message, [], context
    for name, messages in UNMARKED.items():
        for message in messages:
            yield name, message, [], None


def _sorting(message: Message) -> tuple[tuple[str, ...], str]:
    return catalogs.sources_of(message), message.context or ""


def _header(key: str | None) -> str:
    fields = [
        "Project-Id-Version: dinnerparty",
        f"Language: {key or ''}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        *([f"Plural-Forms: {rule_of(key).header}"] if key else []),
    ]
    return "\n".join(['msgid ""', 'msgstr ""', *(f'"{field}\\n"' for field in fields)])


def _lines(message: Message, count: int) -> Iterator[str]:
    yield from (f"# {comment}" for comment in message.user_comments if comment)
    yield from (f"#. {comment}" for comment in message.auto_comments)
    yield from (f"#: {name}" for name in sorted({name for name, _line in message.locations}))
    sources, texts = catalogs.sources_of(message), catalogs.texts_of(message)
    flags = {"fuzzy": message.fuzzy, "python-format": validity.is_format(*sources)}
    if any(flags.values()):
        yield f"#, {', '.join(flag for flag, is_set in flags.items() if is_set)}"
    if message.context:
        yield f"msgctxt {normalize(message.context, width=0)}"
    yield f"msgid {normalize(sources[0], width=0)}"
    if len(sources) == 1:
        yield f"msgstr {normalize(texts[0], width=0)}"
        return
    yield f"msgid_plural {normalize(sources[1], width=0)}"
    for form in range(count):
        yield f"msgstr[{form}] {normalize(texts[form] if form < len(texts) else '', width=0)}"
