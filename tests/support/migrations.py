"""The migrations of the site."""

from alembic.script import ScriptDirectory

import config


def revisions(*, after: str = "base") -> list[str]:
    """Return the revisions after another one, in their order."""
    found = ScriptDirectory(str(config.ROOT / "migrations")).iterate_revisions("heads", after)
    return [each.revision for each in reversed(list(found))]
