"""Views, menu entries and permissions that have new names keep the grants that administrators gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

VIEWS = {
    "LetterModelView": "OutboxEmailModelView",
    "Answers": "RSVPs",
    "Asked-for dishes": "Requested dishes",
    "Brought dishes": "Dish claims",
    "Post": "Mail",
}
PERMISSIONS = {"can_answer": "can_rsvp", "take_back": "revoke_invitation"}

view_menu = sa.table("ab_view_menu", sa.column("id"), sa.column("name"))
permission = sa.table("ab_permission", sa.column("id"), sa.column("name"))
pair = sa.table("ab_permission_view", sa.column("id"), sa.column("permission_id"), sa.column("view_menu_id"))
grant = sa.table("ab_permission_view_role", sa.column("id"), sa.column("permission_view_id"), sa.column("role_id"))


def _key(names: sa.TableClause, name: str) -> int | None:
    return op.get_bind().execute(sa.select(names.c.id).where(names.c.name == name)).scalar()


def _rename(names: sa.TableClause, column: str, old: str, new: str) -> None:
    """Rename a view or a permission. Where a package has taken the new name already, the two become one."""
    key, taken = _key(names, old), _key(names, new)
    if key is None:
        return
    if taken is None:
        op.execute(sa.update(names).where(names.c.id == key).values(name=new))
        return
    other = "view_menu_id" if column == "permission_id" else "permission_id"
    for row in op.get_bind().execute(sa.select(pair).where(pair.c[column] == key)).mappings().all():
        same = sa.select(pair.c.id).where(pair.c[column] == taken, pair.c[other] == row[other])
        twin = op.get_bind().execute(same).scalar()
        if twin is None:
            op.execute(sa.update(pair).where(pair.c.id == row["id"]).values({column: taken}))
        else:
            _merge(row["id"], twin)
    op.execute(sa.delete(names).where(names.c.id == key))


def _merge(old: int, new: int) -> None:
    """Give the roles that have the permission `old` the permission `new` instead."""
    has_both = sa.select(grant.c.role_id).where(grant.c.permission_view_id == new).scalar_subquery()
    of_old = grant.c.permission_view_id == old
    op.execute(sa.delete(grant).where(of_old, grant.c.role_id.in_(has_both)))
    op.execute(sa.update(grant).where(of_old).values(permission_view_id=new))
    op.execute(sa.delete(pair).where(pair.c.id == old))


def upgrade() -> None:
    for old, new in VIEWS.items():
        _rename(view_menu, "view_menu_id", old, new)
    for old, new in PERMISSIONS.items():
        _rename(permission, "permission_id", old, new)


def downgrade() -> None:
    for old, new in VIEWS.items():
        _rename(view_menu, "view_menu_id", new, old)
    for old, new in PERMISSIONS.items():
        _rename(permission, "permission_id", new, old)
