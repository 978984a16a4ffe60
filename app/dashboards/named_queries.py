"""Named queries about the site itself: its languages, and how fast it answers."""

import sqlite3
from functools import lru_cache
from pathlib import Path

from flask import current_app
from flask_babel import gettext, lazy_gettext

from app import metrics
from app.charts.model import Column, Kind
from app.i18n import catalogs, files, locales
from app.i18n.catalogs import CatalogError
from app.named_queries import NamedQuery, Row, declare

PERMISSION = ("can_show", "StatisticsView")


def _translation_progress() -> list[Row]:
    rows: list[Row] = []
    for path in files.po_paths(locales.directory()):
        try:
            found = _progress(path, path.stat().st_mtime_ns)
        except (CatalogError, OSError):
            # The log says why since the site reads the catalog. Nothing is known of it.
            found = None
        info = locales.find(files.key_of(path))
        name = info.name if info else files.key_of(path)
        rows.append(
            (
                name,
                found.translated,
                found.texts - found.translated,
                found.unchecked,
                _share(found.translated, found.texts),
            )
            if found
            else (name, None, None, None, None)
        )
    return rows


@lru_cache(maxsize=64)
def _progress(path: Path, _changed_at: int) -> "files.Progress":
    """Return how far a catalog is. It is read again only after a change."""
    return files.progress(catalogs.read(path))


def _performance() -> list[Row]:
    """Count requests by how long they took, on all processes of this machine."""
    if not current_app.config["METRICS_TOKEN"]:
        raise ValueError(gettext("This site does not measure how fast it is: METRICS_TOKEN is not set."))
    try:
        counted = metrics.request_durations()
    except (sqlite3.Error, OSError) as error:
        raise ValueError(gettext("The counters of this machine cannot be read at the moment.")) from error
    total = sum(counted.values())
    labels = {border: f"≤ {border} s" for border in metrics.SECONDS} | {metrics.OVER: f"> {metrics.SECONDS[-1]} s"}
    return [(labels[border], int(count), _share(count, total)) for border, count in counted.items()]


def _share(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole else None


declare(
    NamedQuery(
        name="translation_progress",
        title=lazy_gettext("Progress of translations"),
        columns=(
            Column("language", lazy_gettext("Language"), Kind.TEXT),
            Column("translated", lazy_gettext("Translated texts")),
            Column("missing", lazy_gettext("Missing or doubtful texts")),
            Column("unchecked", lazy_gettext("Texts that nobody has reviewed")),
            Column("share", lazy_gettext("Share of translated texts"), unit="%"),
        ),
        permission=PERMISSION,
        read=_translation_progress,
    )
)
declare(
    NamedQuery(
        name="site_performance",
        title=lazy_gettext("How long requests take"),
        columns=(
            Column("duration", lazy_gettext("Duration"), Kind.TEXT),
            Column("requests", lazy_gettext("Requests")),
            Column("share", lazy_gettext("Share of requests"), unit="%"),
        ),
        permission=PERMISSION,
        read=_performance,
    )
)
