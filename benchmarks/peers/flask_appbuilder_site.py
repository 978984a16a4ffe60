"""Flask-AppBuilder as its documentation shows it. Members are its users, and have the same keys in the shared tables."""

import os

import tables
from flask import Flask, abort, flash, get_flashed_messages, redirect
from flask_appbuilder import AppBuilder, BaseView, Model, ModelRestApi, ModelView, expose, has_access
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import permission_name
from flask_login import current_user, login_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from sqlalchemy import text
from werkzeug.security import generate_password_hash

Member, DinnerParty, Rsvp = tables.tables(Model)
app = Flask(__name__)
app.config.update(
    SECRET_KEY="of a benchmark",
    SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
    WTF_CSRF_ENABLED=True,
    FAB_ROLES={"Guest": [["PartyView", "can_rsvp"]]},
)
db = SQLA(app)
csrf = CSRFProtect(app)


class DinnerPartyModelView(ModelView):
    datamodel = SQLAInterface(DinnerParty)
    list_columns = tables.LIST
    order_columns = tables.SORTED
    search_columns = ["title", "status", "visibility"]
    base_order = ("starts_at", "desc")
    show_columns = tables.SHOWN
    edit_columns = add_columns = tables.FORM


class MemberModelView(ModelView):
    datamodel = SQLAInterface(Member)


class DinnerPartyApi(ModelRestApi):
    datamodel = SQLAInterface(DinnerParty)
    resource_name = "dinnerparties"
    list_columns = [
        "id", "title", "slug", "host.username", "starts_at", "duration_minutes", "venue", "area", "address", "main_dish",
        "description", "number_seats", "seats_taken", "max_party", "visibility", "status", "created_at",
    ]  # fmt: skip
    base_order = ("starts_at", "desc")


class PartyView(BaseView):
    route_base = "/parties"
    default_view = "list"

    @expose("/")
    def list(self):
        found = db.session.scalars(tables.upcoming(DinnerParty)).all()
        return self.render_template("fab_parties.html", parties=found, flashes=get_flashed_messages())

    @expose("/<slug>")
    def show(self, slug):
        found = db.session.scalar(tables.of_slug(DinnerParty, slug)) or abort(404)
        shown = {"party": found, "flashes": get_flashed_messages()}
        return self.render_template("fab_party.html", token_name="csrf_token", token=generate_csrf(), **shown)

    @expose("/<slug>/rsvp", methods=["POST"])
    @has_access
    @permission_name("rsvp")
    def rsvp(self, slug):
        found = db.session.scalar(tables.of_slug(DinnerParty, slug)) or abort(404)
        if not tables.answer(db.session, DinnerParty, Rsvp, found.id, current_user):
            return "All seats are taken", 409
        flash("You are coming.")
        return redirect(f"/parties/{slug}", 303)


with app.app_context():
    appbuilder = AppBuilder(app, db.session)
    appbuilder.add_view(DinnerPartyModelView, "Dinner parties")
    appbuilder.add_view(MemberModelView, "Members")
    appbuilder.add_view_no_menu(PartyView)
    appbuilder.add_api(DinnerPartyApi)


@app.get("/enter/<int:key>")
def enter(key):
    """Log in without a password: what a login takes is not measured."""
    login_user(appbuilder.sm.get_user_by_id(key))
    return "in"


def prepare(password):
    """Make users of the members, and an administrator of the first."""
    with app.app_context():
        guest, admin = (appbuilder.sm.add_role(name).id for name in ("Guest", "Admin"))
        db.session.execute(
            text("""INSERT INTO ab_user (id, first_name, last_name, username, email, password, active)
            SELECT id, first_name, last_name, username, email, :password, true FROM member"""),
            {"password": generate_password_hash(password)},
        )
        db.session.execute(
            text("""INSERT INTO ab_user_role (id, user_id, role_id)
            SELECT id, id, CASE WHEN is_staff THEN CAST(:admin AS integer) ELSE :guest END FROM member"""),
            {"admin": admin, "guest": guest},
        )
        db.session.commit()
