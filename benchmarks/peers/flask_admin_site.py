"""Flask-Admin with SQLAlchemy, Flask-Login and Flask-WTF."""

import os

import tables
from flask import Flask, abort, flash, get_flashed_messages, redirect, render_template
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_login import LoginManager, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect, generate_csrf
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


app = Flask(__name__)
app.config.update(SECRET_KEY="of a benchmark", SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"])
db = SQLAlchemy(app, model_class=Base)
Member, DinnerParty, Rsvp = tables.tables(db.Model)
CSRFProtect(app)
login = LoginManager(app)


@login.user_loader
def load(key):
    return db.session.get(Member, int(key))


class DinnerPartyAdmin(ModelView):
    column_list = tables.LIST
    column_sortable_list = tables.SORTED
    column_default_sort = ("starts_at", True)
    column_searchable_list = ["title"]
    column_filters = ["status", "visibility"]
    column_details_list = tables.SHOWN
    form_columns = tables.FORM
    can_view_details = True
    page_size = 25
    form_ajax_refs = {"host": {"fields": ["username"], "page_size": 10}}
    form_choices = {
        "status": [(name, name.capitalize()) for name in ("draft", "published", "cancelled", "done")],
        "visibility": [(name, name.capitalize()) for name in ("public", "unlisted", "private")],
    }

    def is_accessible(self):
        return current_user.is_authenticated and current_user.is_staff


Admin(app).add_view(DinnerPartyAdmin(DinnerParty, db))


@app.get("/enter/<int:key>")
def enter(key):
    """Log in without a password: what a login takes is not measured."""
    login_user(db.get_or_404(Member, key))
    return "in"


@app.get("/parties/")
def parties():
    found = db.session.scalars(tables.upcoming(DinnerParty)).all()
    return render_template("parties.html", parties=found, flashes=get_flashed_messages())


@app.get("/parties/<slug>")
def party(slug):
    found = db.session.scalar(tables.of_slug(DinnerParty, slug)) or abort(404)
    shown = {"party": found, "flashes": get_flashed_messages()}
    return render_template("party.html", token_name="csrf_token", token=generate_csrf(), **shown)


@app.post("/parties/<slug>/rsvp")
@login_required
def rsvp(slug):
    found = db.session.scalar(tables.of_slug(DinnerParty, slug)) or abort(404)
    if not tables.answer(db.session, DinnerParty, Rsvp, found.id, current_user):
        return "All seats are taken", 409
    flash("You are coming.")
    return redirect(f"/parties/{slug}", 303)
