import pytest
from sqlalchemy import delete, insert, text, update

from app.accounts.models import Member
from app.crud.db_errors import ConflictError, ConstraintError, translate_db_errors
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, OutboxEmailFactory

pytestmark = pytest.mark.both_databases


def refused(app, statement, *, deleting=False):
    with app.app_context(), pytest.raises(DomainError) as caught, translate_db_errors(deleting=deleting), transaction():
        db.session.execute(statement)
    return caught.value


def test_a_unique_violation_names_its_column(app):
    one, other = DinnerPartyFactory(), DinnerPartyFactory()
    error = refused(app, update(DinnerParty).where(DinnerParty.id == one.id).values(slug=other.slug))
    assert isinstance(error, ConstraintError)
    assert (error.kind, error.columns, error.field) == ("unique", ("slug",), "slug")
    assert error.constraint == "uq_dinner_party_slug"


def test_a_case_insensitive_unique_violation_names_its_column_too(app, cast):
    error = refused(
        app, update(Member).where(Member.id == cast.host.id).values(username="FRIEND", username_key="friend")
    )
    assert (error.kind, error.columns) == ("unique", ("username",))
    assert error.constraint == "uq_ab_user_username_key"


def test_a_check_violation_names_its_constraint(app):
    party = DinnerPartyFactory()
    error = refused(app, update(DinnerParty).where(DinnerParty.id == party.id).values(number_seats=0))
    assert error.kind == "check"
    assert error.constraint.startswith("ck_dinner_party_")


def test_a_referenced_row_cannot_be_deleted(app):
    party = DinnerPartyFactory()
    error = refused(app, delete(Member).where(Member.id == party.host_id), deleting=True)
    assert (error.kind, str(error)) == ("foreign key", "It is still in use elsewhere and cannot be deleted.")


def test_a_not_null_violation_names_its_column(app):
    letter = OutboxEmailFactory()
    error = refused(app, update(OutboxEmail).where(OutboxEmail.id == letter.id).values(recipient=None))
    assert (error.kind, error.columns) == ("not null", ("recipient",))


def test_a_dangling_reference_is_refused(app, cast):
    error = refused(app, update(DinnerParty).where(DinnerParty.id == DinnerPartyFactory().id).values(host_id=987654))
    assert error.kind == "foreign key"


@pytest.mark.parametrize(
    "statement",
    [
        insert(Rsvp).values(party_id=2**70, email="a", status="yes"),
        text("SELECT * FROM nowhere"),
    ],
)
def test_database_messages_are_not_shown(app, statement):
    told = str(refused(app, statement)).lower()
    assert not any(word in told for word in ("select", "sql", "nowhere", "integer"))


def test_a_concurrently_changed_row_is_a_conflict(app):
    party = DinnerPartyFactory()
    change = update(DinnerParty).where(DinnerParty.id == party.id).values(version=9)
    with app.app_context():
        mine = db.session.get(DinnerParty, party.id)
        mine.title = "Mine"
        with db.session.no_autoflush:
            db.session.execute(change.execution_options(synchronize_session=False))
        with pytest.raises(ConflictError), translate_db_errors():
            db.session.flush()
