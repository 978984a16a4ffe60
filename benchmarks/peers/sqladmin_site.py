"""Sqladmin on Starlette, with SQLAlchemy's synchronous engine, which runs in threads."""

import os

import tables
from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates


class Base(DeclarativeBase):
    pass


SECRET = "of a benchmark"
Member, DinnerParty, Rsvp = tables.tables(Base)
engine = create_engine(os.environ["DATABASE_URL"])
Database = sessionmaker(engine)
templates = Jinja2Templates("templates")


def member_of(request, session):
    key = request.session.get("member")
    return session.get(Member, key) if key else None


class Staff(AuthenticationBackend):
    async def login(self, _request):
        return False

    async def logout(self, request):
        request.session.clear()
        return True

    async def authenticate(self, request):
        return await run_in_threadpool(self.is_staff, request)

    def is_staff(self, request):
        with Database() as session:
            member = member_of(request, session)
            return member is not None and member.is_staff


class DinnerPartyAdmin(ModelView, model=DinnerParty):
    column_list = tables.LIST
    column_sortable_list = tables.SORTED
    column_default_sort = ("starts_at", True)
    column_searchable_list = ["title"]
    column_details_list = tables.SHOWN
    form_columns = tables.FORM
    page_size = 25
    form_ajax_refs = {"host": {"fields": ("username",), "order_by": "username"}}


def enter(request):
    """Log in without a password: what a login takes is not measured."""
    request.session["member"] = request.path_params["key"]
    return PlainTextResponse("in")


def parties(request):
    with Database() as session:
        shown = {"parties": session.scalars(tables.upcoming(DinnerParty)).all(), "flashes": flashes(request)}
        return templates.TemplateResponse(request, "parties.html", shown)


def flashes(request):
    return request.session.pop("flashes", [])


def party(request):
    with Database() as session:
        found = session.scalar(tables.of_slug(DinnerParty, request.path_params["slug"]))
        shown = {"party": found, "flashes": flashes(request), "token_name": "", "token": ""}
        return templates.TemplateResponse(request, "party.html", shown)


def rsvp(request):
    slug = request.path_params["slug"]
    with Database() as session:
        member = member_of(request, session)
        found = session.scalar(tables.of_slug(DinnerParty, slug))
        if member is None or found is None:
            return PlainTextResponse("Not found", 404)
        if not tables.answer(session, DinnerParty, Rsvp, found.id, member):
            return PlainTextResponse("All seats are taken", 409)
    request.session["flashes"] = ["You are coming."]
    return RedirectResponse(f"/parties/{slug}", 303)


app = Starlette(
    routes=[
        Route("/enter/{key:int}", enter),
        Route("/parties/", parties),
        Route("/parties/{slug}", party),
        Route("/parties/{slug}/rsvp", rsvp, methods=["POST"]),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=SECRET)],
)
Admin(app, engine, authentication_backend=Staff(SECRET)).add_view(DinnerPartyAdmin)
