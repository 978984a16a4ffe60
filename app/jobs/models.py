"""The rows of jobs."""

from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import UTCDateTime
from app.enums import EnumString, LabelledEnum
from app.extensions import Model


class JobState(LabelledEnum):
    """What a job does. One that failed again and again is tried once an hour."""

    WAITING = "waiting", lazy_gettext("Waiting")
    RUNNING = "running", lazy_gettext("Running")
    FAILED = "failed", lazy_gettext("Failed")


class Job(Model):
    """When a job is due, and which process runs it until when. The code of the job has the same name."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[JobState] = mapped_column(EnumString(JobState, 16), default=JobState.WAITING)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # The process that runs it renews the lease. When it ended, another one takes over after that moment.
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # In a row, errors and processes that ended.
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(500), default="")

    __table_args__ = (CheckConstraint("state IN ('waiting', 'running', 'failed')", name="state"),)

    def __repr__(self) -> str:
        return self.name
