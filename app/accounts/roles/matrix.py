"""The permissions of a role as a table: a row for each part of the site, a column for each thing that can be done there."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, request
from flask_appbuilder.security.sqla.models import PermissionView, Role
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from app.accounts.roles import names, permission_labels
from app.accounts.roles.permission_labels import PermissionLabels
from app.crud.fields import ChecklistField
from app.errors import Category
from app.extensions import db
from app.http import parse_int

COLUMNS = tuple(permission_labels.ACTION_LABELS)[: permission_labels.COMMON]
LIKE = "like_role"


class PermissionMatrix:
    """Renders the table. Whoever cannot see it hears what each box allows, and where."""

    is_group = True

    def __call__(self, field: "PermissionsField", **_attributes: Any) -> Markup:
        labels = PermissionLabels()
        rows: dict[str, tuple[dict[str, Any], list[Any]]] = {}
        for key, permission in field.choosable().items():
            cells, others = rows.setdefault(labels.view(permission), ({}, []))
            name = permission.permission.name
            box = {
                "key": key,
                "label": labels(permission),
                "action": labels.action(permission),
                "checked": key in field.chosen(),
            }
            if name in COLUMNS and name not in cells:
                cells[name] = box
            else:
                others.append(box)
        return Markup(  # noqa: S704 - a template
            render_template(
                "accounts/permission_matrix.html",
                field=field,
                columns=[(name, permission_labels.ACTION_LABELS[name]) for name in COLUMNS],
                rows=rows,
                roles=db.session.scalars(select(Role).order_by(Role.name)).all(),
                role_name=names.label,
                like=LIKE,
            )
        )


class PermissionsField(ChecklistField):
    """The permissions of a role."""

    widget: Any = PermissionMatrix()

    def __init__(self, label: object, **arguments: Any) -> None:
        super().__init__(label, load=permission_labels.load, text=permission_labels.label, **arguments)

    def chosen(self) -> set[str]:
        """Return the keys of those that are checked."""
        return set(self.data or ())

    def assist(self) -> tuple[str, Category]:
        """Check the boxes of the chosen role; return what is flashed."""
        number = parse_int(request.form.get(LIKE, ""), 2**31 - 1)
        role = db.session.get(Role, number) if number else None
        if role is None:
            return _("Choose a role first."), "warning"
        permissions: Sequence[PermissionView] = role.permissions
        self.data = [str(permission.id) for permission in permissions]
        return _("The boxes are those of “%(role)s” now. Nothing is saved yet.", role=names.label(role)), "info"
