"""What roles may do and ask for, and the version of it."""

import secrets

from flask_appbuilder.security.sqla.models import Role as Role  # noqa: PLC0414 - exported from here, with its column
from sqlalchemy import Boolean, Column, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

ADMIN, GUEST, PUBLIC, TRANSLATOR = "Admin", "Guest", "Public", "Translator"


# A column more for FAB's own class: a class of ours beside it would make two objects of one row.
Role.second_factor_required = Column(Boolean, nullable=False, default=False, server_default=false())


class AccessVersion(db.Model):  # type: ignore[name-defined]
    """One row that changes whenever a role's permissions do: processes cache permissions under it."""

    __tablename__ = "access_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(8))
