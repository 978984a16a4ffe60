"""The files that translators edit: extracting the template, updating catalogs, one canonical form.

The canonical form is sorted by text, unwrapped, and without source references, dates or obsolete messages. So a
difference in git is a difference in words, whatever program saved the file. `flask i18n where` finds the sources of a
text.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import flask_appbuilder
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import normalize
from flask_login.config import LOGIN_MESSAGE, REFRESH_MESSAGE

from app.i18n import catalogs, po, tags, validity
from app.i18n.catalogs import KEEP_COMPLETE, PoCatalog, Progress
from app.i18n.plurals import rule_of
from app.i18n.tags import SOURCE

PACKAGES = ("flask_appbuilder", "flask_wtf", "wtforms")
# Flask-Login translates its messages without marking them.
UNMARKED = {"flask_login/config.py": (LOGIN_MESSAGE, REFRESH_MESSAGE)}
COMMENT_TAG = "Translators:"
LOST_TEXTS = 20
PSEUDO_LETTERS = str.maketrans("AEIOUaceinosuyz", "ÅÉÎÖÛåçéîñöšûýž")
# Placeholders, tags and doubled percent signs, which have to stay as they are.
KEPT_IN_PSEUDO = re.compile(f"({validity.CONVERSION.pattern}|{validity.TAG.pattern})")
KEYWORDS = DEFAULT_KEYWORDS | {
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}


def po_path(directory: Path, key: str) -> Path:
    return directory / key / "LC_MESSAGES" / "messages.po"


def po_paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("*/LC_MESSAGES/messages.po"))


def key_of(path: Path) -> str:
    """Return the locale that a catalog is for."""
    return path.parent.parent.name


def extract(root: Path) -> Catalog:
    """Return all texts of the project in `root` and those of installed packages, with the file and line of each use."""
    template = Catalog(charset="utf-8")
    for name, line, message, comments, context in (*_own_texts(root), *_package_texts()):
        template.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return template


def uses(template: Catalog, text: str) -> Iterator[str]:
    """Yield "file:line: text" for each use of the texts in an extracted `template` that contain `text`, in any case."""
    for message in sorted(catalogs.messages(template), key=_sorting):
        if any(text.casefold() in source.casefold() for source in catalogs.sources_of(message)):
            yield from (f"{name}:{line}: {catalogs.sources_of(message)[0]}" for name, line in sorted(message.locations))


def update(template: Catalog, old: PoCatalog | None, key: str, parent: Catalog | None = None) -> PoCatalog:
    """Return the catalog of a locale with the texts of the template and their existing translations.

    English texts translate to themselves, and new ones of a region are those of its `parent`. No translation is guessed by
    similarity: wrong ones would look finished.
    """
    catalog = PoCatalog()
    for message in catalogs.messages(template):
        sources = catalogs.sources_of(message)
        known, kept = _known(old, message)
        if not any(kept) and parent is not None:
            known, kept = _known(parent, message)
        if key == SOURCE:
            kept = sources
        catalog.add(
            message.id,
            kept[0] if kept and len(sources) == 1 else kept,
            flags={"fuzzy"} if known and known.fuzzy and any(kept) else (),
            auto_comments=message.auto_comments,
            user_comments=known.user_comments if known else (),
            context=message.context,
        )
    is_complete = all(all(catalogs.texts_of(message)) and not message.fuzzy for message in catalogs.messages(catalog))
    catalog.is_kept_complete = is_complete or (old is not None and old.is_kept_complete)
    return catalog


def _known(catalog: Catalog | None, message: Message) -> tuple[Message | None, tuple[str, ...]]:
    """Return the message of a catalog for the same text, and its translation."""
    sources = catalogs.sources_of(message)
    known = catalog.get(sources[0], message.context) if catalog is not None else None
    return known, catalogs.texts_of(known) if known and len(catalogs.sources_of(known)) == len(sources) else ()


def reword(catalog: PoCatalog, old: str, new: str, context: str | None, key: str) -> bool:
    """Let a translation be that of a text whose English has changed; return whether there was one."""
    message = catalog.get(old, context)
    if message is None:
        return False
    sources, texts = catalogs.sources_of(message), catalogs.texts_of(message)
    renamed = (new, *sources[1:])
    wrong = next(iter(validity.format_problems((old,), (new,), rule_of(SOURCE))), None)
    if wrong:
        raise ValueError(po.quoted(new, wrong))
    if key == SOURCE:
        texts = renamed
    catalog.delete(old, context)
    catalog.delete(new, context)
    catalog.add(
        renamed if len(renamed) > 1 else new,
        texts if len(texts) > 1 else texts[0],
        flags={"fuzzy"} if message.fuzzy else (),
        auto_comments=message.auto_comments,
        user_comments=message.user_comments,
        context=context,
    )
    return True


def pseudo(template: Catalog, key: str) -> PoCatalog:
    """Return a catalog whose texts can be read, but are longer and in other letters: what stays as it is was not translated."""
    catalog = PoCatalog()
    count = rule_of(key).count
    for message in catalogs.messages(template):
        sources = catalogs.sources_of(message)
        texts = tuple(_pseudo(sources[min(form, len(sources) - 1)]) for form in range(count if len(sources) > 1 else 1))
        catalog.add(message.id, texts if len(sources) > 1 else texts[0], context=message.context)
    return catalog


def _pseudo(text: str) -> str:
    pieces = KEPT_IN_PSEUDO.split(text)
    letters = "".join(piece if number % 2 else piece.translate(PSEUDO_LETTERS) for number, piece in enumerate(pieces))
    body = letters.strip()
    edges = letters.partition(body) if body else (letters, "", "")
    return f"{edges[0]}[{body}{'~' * (len(body) // 3)}]{edges[2]}"


def parent_of(directory: Path, key: str) -> Path | None:
    """Return the catalog that a region starts from: that of the nearest of its parents."""
    paths = (po_path(directory, parent) for parent in tags.chain(key)[1:])
    return next((path for path in paths if path.exists()), None)


def lost(catalog: Catalog, template: Catalog) -> Iterator[tuple[int, str]]:
    """Yield line and reason if the end of a catalog is missing: in the order of the template, nothing is after its last text.

    A file that was cut off between two texts has no other sign of it. A few texts may just be new.
    """
    wanted = sorted(catalogs.messages(template), key=_sorting)
    present = [catalog.get(catalogs.sources_of(message)[0], message.context) is not None for message in wanted]
    missing = present[::-1].index(True) if any(present) else 0
    if missing >= LOST_TEXTS:
        last = wanted[len(wanted) - missing - 1]
        line = max(message.lineno or 1 for message in catalog)
        yield (
            line,
            po.quoted(
                catalogs.sources_of(last)[0],
                f"the last {missing} texts are missing after this one: the file was cut off. Get the rest back, for instance"
                " from git; if they are to be empty, add the first of them with an empty msgstr at the end",
            ),
        )


def seed(catalog: Catalog, key: str) -> None:
    """Fill a new catalog with the translations that the packages provide."""
    provided = catalogs.upstream(key, rule_of(key))
    for message in catalogs.messages(catalog):
        known = provided.get((message.context, catalogs.sources_of(message)[0]))
        if known and len(catalogs.sources_of(message)) == 1 and not any(catalogs.texts_of(message)):
            message.string = known[0]


def dump(catalog: Catalog, key: str | None) -> str:
    """Return the canonical form of a catalog, or of the template if `key` is None."""
    ordered = sorted(catalogs.messages(catalog), key=_sorting)
    count = rule_of(key).count if key else 2
    return (
        "\n\n".join(
            [
                _header(key, is_kept_complete=getattr(catalog, "is_kept_complete", False)),
                *("\n".join(_lines(message, count)) for message in ordered),
            ]
        )
        + "\n"
    )


def write(catalog: Catalog, path: Path, key: str | None) -> bool:
    """Write the canonical form unless the file has it already; return whether it was written."""
    content = dump(catalog, key).encode()
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside it first: if the disk is full, the old file stays.
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
    return True


def progress(catalog: Catalog) -> Progress:
    """Return how far a catalog is."""
    found = list(catalogs.messages(catalog))
    return Progress(
        len(found),
        sum(all(catalogs.texts_of(message)) and not message.fuzzy for message in found),
        sum(message.fuzzy for message in found),
        sum(catalogs.is_unchecked(message.user_comments) for message in found),
    )


Found = tuple[str, int, str | tuple[str, ...], list[str], str | None]


def _own_texts(root: Path) -> Iterator[Found]:
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    yield from extract_from_dir(
        root,
        methods,
        options,
        KEYWORDS,
        [COMMENT_TAG],
        strip_comment_tags=True,
        directory_filter=lambda path: Path(path).relative_to(root).parts[0] == "app",
    )


def _package_texts() -> Iterator[Found]:
    site_packages = Path(flask_appbuilder.__file__).parent.parent
    for package in PACKAGES:
        for path in sorted((site_packages / package).rglob("*.py")):
            name = path.relative_to(site_packages).as_posix()
            for line, message, _comments, context in extract_from_file("python", path, KEYWORDS):
                yield name, line, message, [], context
    for name, messages in UNMARKED.items():
        lines = (site_packages / name).read_text(encoding="utf-8").splitlines()
        for message in messages:
            line = next((number for number, text in enumerate(lines, 1) if message in text), 1)
            yield name, line, message, [], None


def _sorting(message: Message) -> tuple[tuple[str, ...], str]:
    return catalogs.sources_of(message), message.context or ""


def _header(key: str | None, *, is_kept_complete: bool) -> str:
    fields = [
        "Project-Id-Version: dinnerparty",
        f"Language: {key or ''}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        *([f"Plural-Forms: {rule_of(key).header}"] if key else []),
    ]
    comments = [f"# {KEEP_COMPLETE}"] if is_kept_complete else []
    return "\n".join([*comments, 'msgid ""', 'msgstr ""', *(f'"{field}\\n"' for field in fields)])


def _lines(message: Message, count: int) -> Iterator[str]:
    yield from (f"# {comment}" for comment in message.user_comments if comment)
    yield from (f"#. {comment}" for comment in message.auto_comments)
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
