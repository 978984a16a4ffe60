"""Enumerations of dashboards."""

from enum import StrEnum

from flask_babel import lazy_gettext

from app.enums import LabelledEnum


class Layout(LabelledEnum):
    """How modules are placed: in rows of twelve columns, or anywhere."""

    GRID = "grid", lazy_gettext("Rows and columns")
    FREEFORM = "freeform", lazy_gettext("Free")


class MemberRole(LabelledEnum):
    """What somebody else than the owner may do with a dashboard."""

    EDITOR = "editor", lazy_gettext("Can change it")
    VIEWER = "viewer", lazy_gettext("Can see it")


class Action(StrEnum):
    """What is done with dashboards. Each is a permission on `DashboardView`: `can_read`, ..."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CLONE = "clone"
    SHARE = "share"
    MAKE_GLOBAL = "make_global"
