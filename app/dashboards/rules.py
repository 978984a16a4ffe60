"""Who may do what with a dashboard, and how large one may be. No database, no request."""

from app.dashboards.enums import Action, MemberRole

MAX_CONFIGURATION_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_MODULES = 200
MAX_INPUTS = 20
MAX_WIDTH = 12
# Of x, y and order.
MAX_PLACE = 10_000
MIN_HEIGHT, MAX_HEIGHT = 50, 2000
# Dashboards of one owner, and people with whom one dashboard is shared.
MAX_DASHBOARDS, MAX_MEMBERS = 200, 100
# Of each dashboard's history. The newest is kept whatever its size.
MAX_VERSIONS, MAX_HISTORY_CHARACTERS = 50, 4 * 1024 * 1024
# What is written about a dashboard as a whole needs its owner.
OF_OWNERS = frozenset({Action.DELETE, Action.SHARE, Action.MAKE_GLOBAL})


def may(action: Action, *, is_owner: bool, role: MemberRole | None, is_global: bool, is_staff: bool) -> bool:
    """Whether somebody with the permission of `action` may do it to this dashboard."""
    if is_owner or is_staff:
        return True
    if action in OF_OWNERS:
        return False
    if action == Action.UPDATE:
        return role == MemberRole.EDITOR
    # To see one, or make a copy of one's own.
    return role is not None or is_global


# Of data that do not come from the site.
MAX_URL_LENGTH, MAX_URLS = 2000, 20
MAX_UPLOADS, MAX_UPLOAD_BYTES, MAX_UPLOAD_ROWS, MAX_UPLOAD_COLUMNS = 20, 1024 * 1024, 10_000, 50
