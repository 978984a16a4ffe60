"""`flask i18n`: the tools of translators. Without a command: extract, update, format and check."""

from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import current_app
from flask.cli import AppGroup

from app.i18n import catalogs, checks, files, locales
from app.i18n.catalogs import CatalogError
from app.i18n.plurals import rule_of

group = AppGroup("i18n", invoke_without_command=True, help="Extract, update and check the texts of the site.")


@group.result_callback()
@click.pass_context
def _run_all(context: click.Context, _result: object) -> None:
    if context.invoked_subcommand is None:
        for command in (extract, update, format_, check):
            context.invoke(command)


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
    for path in files.po_paths(_directory()):
        _update(template, path, _read(path))


@group.command()
@click.argument("locale")
def add(locale: str) -> None:
    """Add a new LOCALE (such as pt_BR), starting with the translations that the packages provide."""
    parsed = locales.parse(locale)
    if parsed is None or str(parsed) != locale:
        raise click.BadParameter(f"not a locale; did you mean {parsed}?" if parsed else "not a locale.")
    try:
        rule_of(locale)
    except LookupError as error:
        raise click.ClickException(str(error.args[0])) from error
    path = files.po_path(_directory(), locale)
    if path.exists():
        raise click.ClickException(f"{_short(path)} already exists.")
    _update(_read(_directory() / "messages.pot"), path, None)


@group.command("format")
def format_() -> None:
    """Reformat every catalog."""
    for path in files.po_paths(_directory()):
        changed = files.write(_read(path), path, files.key_of(path))
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
    for path in files.po_paths(_directory()):
        compiled = files.po_path(target, files.key_of(path)).with_suffix(".mo")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as file:
            write_mo(file, _finished(_read(path)))
        click.echo(f"{compiled}: written")


@group.command()
def check() -> None:
    """Fail if the template is outdated or a catalog is incomplete, invalid or not formatted."""
    problems = checks.check(_root(), _directory())
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise click.exceptions.Exit(1)
    click.echo(f"{len(files.po_paths(_directory()))} catalogs are complete and valid.")


@group.command()
def stats() -> None:
    """Show the progress of every catalog and how many machine translations are unreviewed."""
    for path in files.po_paths(_directory()):
        found = files.progress(_read(path))
        share = f"{100 * found.translated // max(found.texts, 1)} %, {found.translated} of {found.texts}"
        click.echo(f"{files.key_of(path)}: {share}; {found.fuzzy} fuzzy, {found.unchecked} unchecked")


@group.command()
@click.argument("text")
def where(text: str) -> None:
    """Show the file and line of each text that contains TEXT, in upper or lower case."""
    found = list(files.uses(files.extract(_root()), text))
    if not found:
        raise click.ClickException(f"No text contains “{text}”.")
    click.echo("\n".join(found))


def _update(template: Catalog, path: Path, old: Catalog | None) -> None:
    key = files.key_of(path)
    catalog = files.update(template, old, key)
    if old is None:
        files.seed(catalog, key)
    changed = files.write(catalog, path, key)
    todo = sum(not all(catalogs.texts_of(message)) for message in catalogs.messages(catalog))
    click.echo(f"{_short(path)}: {'written' if changed else 'nothing changed'}, {todo} to translate")


def _finished(catalog: Catalog) -> Catalog:
    finished = Catalog(header_comment="", charset="utf-8")
    finished.mime_headers = catalog.mime_headers
    for message in catalogs.messages(catalog):
        if not message.fuzzy and all(catalogs.texts_of(message)):
            finished[message.id] = message
    return finished


def _read(path: Path) -> Catalog:
    try:
        return catalogs.read(path)
    except CatalogError as error:
        raise click.ClickException(f"{_short(path)}:{error.line}: {error.message}") from error
    except FileNotFoundError as error:
        raise click.ClickException(f"{_short(path)} does not exist: run `flask i18n extract`.") from error


def _directory() -> Path:
    return locales.directory()


def _root() -> Path:
    return Path(current_app.root_path).parent


def _short(path: Path) -> Path:
    return path.relative_to(_root()) if path.is_relative_to(_root()) else path
