"""The tables that all peers share, for SQLAlchemy."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, ForeignKey, String, Text, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship


def now():
    return datetime.now(UTC)


def tables(base: type[DeclarativeBase]):
    """Return Member, DinnerParty and Rsvp on a declarative base: each framework has one of its own."""

    class Member(base):
        __tablename__ = "member"
        id: Mapped[int] = mapped_column(primary_key=True)
        username: Mapped[str] = mapped_column(String(150), unique=True)
        first_name: Mapped[str] = mapped_column(String(150))
        last_name: Mapped[str] = mapped_column(String(150))
        email: Mapped[str] = mapped_column(String(254))
        is_staff: Mapped[bool]
        is_active: Mapped[bool]
        # What Flask-Login asks.
        is_authenticated = True
        is_anonymous = False

        def get_id(self):
            return str(self.id)

        def __str__(self):
            return f"{self.first_name} {self.last_name}"

    class DinnerParty(base):
        __tablename__ = "dinner_party"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str] = mapped_column(String(120))
        slug: Mapped[str] = mapped_column(String(80), unique=True)
        host_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
        starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
        duration_minutes: Mapped[int] = mapped_column(default=180)
        venue: Mapped[str] = mapped_column(String(120), default="")
        address: Mapped[str] = mapped_column(String(255), default="")
        area: Mapped[str] = mapped_column(String(120), default="")
        main_dish: Mapped[str] = mapped_column(String(120), default="")
        description: Mapped[str] = mapped_column(Text, default="")
        number_seats: Mapped[int] = mapped_column(default=8)
        seats_taken: Mapped[int] = mapped_column(default=0)
        max_party: Mapped[int] = mapped_column(default=4)
        status: Mapped[str] = mapped_column(String(16))
        visibility: Mapped[str] = mapped_column(String(16))
        created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
        host: Mapped[Member] = relationship()

        def __str__(self):
            return self.title

    class Rsvp(base):
        __tablename__ = "rsvp"
        id: Mapped[int] = mapped_column(primary_key=True)
        party_id: Mapped[int] = mapped_column(ForeignKey("dinner_party.id"))
        member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
        email: Mapped[str] = mapped_column(String(320))
        party_size: Mapped[int] = mapped_column(default=1)
        status: Mapped[str] = mapped_column(String(20))
        answered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)

    return Member, DinnerParty, Rsvp


LIST = ["title", "host", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
SORTED = ["title", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
FORM = [
    "title", "host", "main_dish", "description", "status", "starts_at", "duration_minutes", "venue", "area", "address",
    "number_seats", "max_party", "visibility",
]  # fmt: skip
SHOWN = ["id", "slug", *FORM, "seats_taken", "created_at"]


def upcoming(party):
    """Return the question for the first page of the public parties."""
    public = party.status == "published", party.visibility == "public", party.starts_at > now()
    return select(party).options(joinedload(party.host)).where(*public).order_by(party.starts_at, party.id).limit(24)


def of_slug(party, slug):
    """Return the question for one party."""
    return select(party).options(joinedload(party.host)).where(party.slug == slug)


def answer(session: Session, party, rsvp, key: int, member) -> bool:
    """Take a seat, unless none is free, and commit; return whether there was one."""
    is_open = party.status == "published", party.starts_at > now(), party.seats_taken < party.number_seats
    taken = session.execute(
        update(party)
        .where(party.id == key, *is_open)
        .values(seats_taken=party.seats_taken + 1)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:
        session.rollback()
        return False
    session.add(rsvp(party_id=key, member_id=member.id, email=member.email, status="yes"))
    session.commit()
    return True
