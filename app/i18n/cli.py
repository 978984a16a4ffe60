"""`flask i18n`: the tools of translators. Without a command: extract, update, format and check."""

from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.i18n import catalogs, checks, exchange, files, locales
from app.i18n.catalogs import CatalogError, PoCatalog
from app.i18n.plurals import rule_of

group = AppGroup("i18n", invoke_without_command=True, help="Extract, update and check the texts of the site.")


@group.result_callback()
@click.pass_context
def _run_all(context: click.Context, _result: object) -> None:
    if context.invoked_subcommand is None:
        for command in (_read_before, extract, update, format_, check):
            context.invoke(command)


@click.command()
@with_appcontext
def _read_before() -> None:
    """Stop the routine before anything is written while a file is damaged."""
    _read_all(files.po_paths(_directory()))


@group.command()
def extract() -> None:
    """Extract translations/messages.pot from the sources."""
    path = _directory() / "messages.pot"
    template = files.extract(_root())
    changed = files.write(template, path, None)
    click.echo(f"{_short(path)}: {len(template)} texts, {'written' if changed else 'nothing changed'}")


@group.command()
def update() -> None:
    """Update every catalog from translations/messages.pot."""
    template = _read(_directory() / "messages.pot")
    for path, catalog in _read_all(files.po_paths(_directory())).items():
        _update(template, path, catalog)


@group.command()
@click.argument("locale")
def add(locale: str) -> None:
    """Add a new LOCALE (such as pt_BR).

    A region starts with the texts of its language, another one with the translations that the packages provide.
    """
    parsed = locales.parse(locale)
    if parsed is None or str(parsed) != locale:
        raise click.BadParameter(f"not a locale; did you mean {parsed}?" if parsed else "not a locale.")
    path = files.po_path(_directory(), locale)
    if path.exists():
        raise click.ClickException(f"{_short(path)} already exists.")
    _update(_read(_directory() / "messages.pot"), path, None)


@group.command("format")
def format_() -> None:
    """Reformat every catalog."""
    for path, catalog in _read_all(files.po_paths(_directory())).items():
        changed = files.write(catalog, path, files.key_of(path))
        click.echo(f"{_short(path)}: {'formatted' if changed else 'nothing changed'}")


@group.command("compile")
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Default: translations/ in the instance folder.",
)
def compile_(to: Path | None) -> None:
    """Write .mo files for other programs. The site itself reads the .po files."""
    target = to or Path(current_app.instance_path) / "translations"
    for path, catalog in _read_all(files.po_paths(_directory())).items():
        compiled = files.po_path(target, files.key_of(path)).with_suffix(".mo")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as file:
            write_mo(file, _finished(catalog, files.key_of(path)))
        click.echo(f"{compiled}: written")


@group.command()
def check() -> None:
    """Fail if the template is outdated or a catalog is invalid, not formatted, or no longer complete."""
    problems = checks.check(_root(), _directory())
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise click.exceptions.Exit(1)
    found = [catalogs.read(path).is_kept_complete for path in files.po_paths(_directory())]
    click.echo(f"{len(found)} catalogs are valid, {sum(found)} of them complete.")


@group.command()
def stats() -> None:
    """Show the progress of every catalog and how many machine translations are unreviewed."""
    for path in files.po_paths(_directory()):
        found = files.progress(_read(path))
        share = f"{100 * found.translated // max(found.texts, 1)} %, {found.translated} of {found.texts}"
        click.echo(f"{files.key_of(path)}: {share}; {found.fuzzy} fuzzy, {found.unchecked} unchecked")


@group.command("export")
@click.argument("locale")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Default: LOCALE.csv in this folder.")
def export_(locale: str, to: Path | None) -> None:
    """Write the texts of LOCALE as a CSV table, with a row for each plural form."""
    target = to or Path(f"{locale}.csv")
    target.write_text(exchange.export(_read(_known_path(locale)), locale), encoding="utf-8", newline="")
    click.echo(f"{target}: written")


@group.command("import")
@click.argument("locale")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(locale: str, file: Path) -> None:
    """Take the translations of a CSV table, or of a .po file that a program has written, into LOCALE."""
    path = _known_path(locale)
    catalog = _read(path)
    try:
        if file.suffix == ".po":
            table = exchange.table_of(catalogs.entries_of(file.read_bytes(), locale), locale)
        else:
            table = file.read_text(encoding="utf-8")
        count = exchange.take(catalog, locale, table)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: this is not UTF-8: save the file as CSV UTF-8.") from error
    except exchange.ExchangeError as error:
        for problem in error.problems:
            click.echo(f"{file}:{problem}", err=True)
        raise click.ClickException("Nothing was written.") from error
    files.write(catalog, path, locale)
    click.echo(f"{_short(path)}: {count} texts changed")


@group.command()
@click.argument("old")
@click.argument("new")
@click.option("--context", help="Of a text with several meanings.")
def reword(old: str, new: str, context: str | None) -> None:
    """Keep the translations of OLD for NEW, where the English text was improved and means the same."""
    found = _read_all(files.po_paths(_directory()))
    try:
        changed = [
            path for path, catalog in found.items() if files.reword(catalog, old, new, context, files.key_of(path))
        ]
    except ValueError as error:
        raise click.ClickException(f"{error}. Nothing was written.") from error
    if not changed:
        raise click.ClickException(f"No catalog has the text “{old}”.")
    for path in changed:
        files.write(found[path], path, files.key_of(path))
        click.echo(f"{_short(path)}: written")
    click.echo("Change it in the sources, then run `flask i18n`.")


@group.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--locale", default="eo", show_default=True, help="The language it takes the place of.")
def pseudo(folder: Path, locale: str) -> None:
    """Write a catalog in altered English to FOLDER: on the pages of a site with it, what is not altered is not translated."""
    path = files.po_path(folder, locale)
    files.write(files.pseudo(_read(_directory() / "messages.pot"), locale), path, locale)
    click.echo(f"{path}: written")


@group.command()
@click.argument("text")
def where(text: str) -> None:
    """Show the file and line of each text that contains TEXT, in upper or lower case."""
    found = list(files.uses(files.extract(_root()), text))
    if not found:
        raise click.ClickException(f"No text contains “{text}”.")
    click.echo("\n".join(found))


def _update(template: Catalog, path: Path, old: PoCatalog | None) -> None:
    key = files.key_of(path)
    parent = files.parent_of(_directory(), key)
    catalog = files.update(template, old, key, _read(parent) if parent else None)
    if old is None:
        files.seed(catalog, key)
    changed = files.write(catalog, path, key)
    todo = sum(not all(catalogs.texts_of(message)) for message in catalogs.messages(catalog))
    click.echo(f"{_short(path)}: {'written' if changed else 'nothing changed'}, {todo} to translate")


def _finished(catalog: Catalog, key: str) -> Catalog:
    finished = Catalog(header_comment="", charset="utf-8")
    finished.mime_headers = [
        ("Language", key),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Plural-Forms", rule_of(key).header),
    ]
    for message in catalogs.messages(catalog):
        if not message.fuzzy and all(catalogs.texts_of(message)):
            finished[message.id] = message
    return finished


def _read(path: Path) -> PoCatalog:
    return _read_all([path])[path]


def _read_all(paths: list[Path]) -> dict[Path, PoCatalog]:
    """Read files; if any is damaged, say everything that is wrong, and stop before something is written."""
    template = _directory() / "messages.pot"
    found: dict[Path, PoCatalog] = {}
    problems = []
    for path in paths:
        try:
            found[path] = catalogs.read(path)
        except CatalogError as error:
            problems += [f"{_short(path)}:{line}: {message}" for line, message in error.problems]
        except FileNotFoundError as error:
            raise click.ClickException(f"{_short(path)} does not exist: run `flask i18n extract`.") from error
    if found and template.exists() and template not in paths and not problems:
        problems = [
            f"{_short(path)}:{line}: {reason}"
            for path, catalog in found.items()
            for line, reason in files.lost(catalog, catalogs.read(template))
        ]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.ClickException("Nothing was written.")
    return found


def _known_path(locale: str) -> Path:
    path = files.po_path(_directory(), locale)
    if not path.exists():
        raise click.ClickException(f"{_short(path)} does not exist: add it with `flask i18n add {locale}`.")
    return path


def _directory() -> Path:
    return locales.directory()


def _root() -> Path:
    return Path(current_app.root_path).parent


def _short(path: Path) -> Path:
    return path.relative_to(_root()) if path.is_relative_to(_root()) else path
