"""Pages of hosts and guests."""

import hashlib
from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import transact, transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.i18n.selectors import current_timezone
from app.parties import calendar, models, queries, rules
from app.parties.forms import AnswerForm, PartyForm, RsvpByIdForm
from app.parties.models import DinnerParty
from app.parties.service import answers, food, hosting
from app.parties.views import flashes
from app.parties.views.access import TableView, me
from app.parties.views.calendar import download

ANSWERS_PER_MINUTE = "30 per minute"


class LandingView(BaseView):
    """The first page: the next public parties."""

    route_base = ""
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        """Show the next parties that everybody may join."""
        return str(self.render_template("parties/landing.html", parties=queries.next_public_parties()))


class PartyView(TableView):
    """Parties as guests and hosts see them."""

    route_base = "/parties"
    default_view = "list"
    permission_words = {
        "can_read": lazy_gettext("See dinner parties"),
        "can_answer": lazy_gettext("Answer invitations"),
        "can_host": lazy_gettext("Host dinner parties"),
    }
    limits = [
        Limit(
            ANSWERS_PER_MINUTE,
            key_func=lambda: str(current_user.get_id() or get_remote_address()),
            methods=["POST"],
        )
    ]

    # -- looking

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> str:
        """Show the coming public parties."""
        page = queries.public_page(_page_number())
        return str(self.render_template("parties/list.html", page=page, form=RsvpByIdForm()))

    @expose("/<slug>")
    @has_access
    @permission_name("read")
    def show(self, slug: str) -> str:
        """Show one party, and to a member their answer to it."""
        party, answer = self.visible(slug)
        is_owner = current_user.is_authenticated and party.host_id == current_user.id
        may_edit = is_owner or self.is_staff() or self.hosts(party)
        return str(
            self.render_template(
                "parties/party.html",
                party=party,
                answer=answer,
                menu=food.menu(party),
                place=queries.place_in_line(answer) if answer and answer.status == models.WAITLISTED else None,
                waiting_count=queries.waiting_count(party) if party.is_full else 0,
                is_host=is_owner,
                may_edit=may_edit,
                may_cancel=is_owner or self.is_staff(),
                late=rules.closed(party.status, party.answers_until, clock.now()) is rules.Closed.LATE,
            )
        )

    @expose("/<slug>/dinner.ics")
    @has_access
    @permission_name("read")
    def download(self, slug: str) -> BaseResponse:
        """Return the party for a calendar."""
        party, _answer = self.visible(slug)
        return download(calendar.published([party]), f"{party.slug}.ics")

    # -- answering

    @expose("/<slug>/rsvp", methods=["POST"])
    @has_access
    @permission_name("answer")
    def rsvp(self, slug: str) -> BaseResponse:
        """Answer yes, no or maybe."""
        party, _answer = self.visible(slug)
        form = AnswerForm()
        if form.validate():
            self._answer(party, form.answer.data)
        else:
            flash(_("Please choose one of the answers."), "danger")
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/rsvp", methods=["POST"])
    @has_access
    @permission_name("answer")
    def rsvp_by_id(self) -> BaseResponse:
        """Say yes to the party with the number that was typed."""
        party = queries.public_party_by_id(RsvpByIdForm().party_id.data or "")
        if party is None:
            flash(_("Please enter a valid Party ID to RSVP!"), "danger")
            return redirect(url_for("PartyView.list"), 303)
        self._answer(party, models.YES)
        return redirect(url_for("PartyView.show", slug=party.slug), 303)

    @expose("/<slug>/withdraw", methods=["POST"])
    @has_access
    @permission_name("answer")
    def withdraw(self, slug: str) -> BaseResponse:
        """Give up a seat or a place in line."""
        party, _answer = self.visible(slug)
        try:
            with transaction():
                answers.withdraw(party, me())
            flash(_("Your seats have been released."), "info")
        except DomainError as error:
            flash(str(error), error.category)
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @staticmethod
    def _answer(party: DinnerParty, wish: str) -> None:
        try:
            outcome = transact(lambda: answers.rsvp(party, me(), wish))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*flashes.answered(party, outcome))

    # -- hosting

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def new(self) -> BaseResponse:
        """Lay a new table."""
        form = PartyForm(data=None if request.method == "POST" else {"timezone": current_timezone()})
        if form.validate_on_submit():
            party = DinnerParty()
            try:
                with transaction():
                    _fill(party, form)
                    hosting.lay(party, me(), mark=_mark_of_form())
            except DomainError as error:
                show_at_field(form, error)
            except IntegrityError:
                return self._sent_twice(party.slug)
            else:
                flash(*flashes.saved(party))
                return redirect(url_for("PartyView.show", slug=party.slug), 303)
        return self._editor(form)

    def _sent_twice(self, slug: str) -> BaseResponse:
        """Lead whoever sent the form of a new party twice to what the first one stored."""
        party = self.own(slug)
        flash(*flashes.saved(party))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/<slug>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def edit(self, slug: str) -> BaseResponse:
        """Change a party of one's own, while there is something to change."""
        party = self.own(slug)
        if not party.is_changeable:
            flash(_("This party can no longer be changed."), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        form = PartyForm(obj=party)
        if not form.validate_on_submit():
            return self._editor(form, party)
        if form.version.data != str(party.version):
            return self._conflict(form, slug)
        try:
            with transaction():
                _fill(party, form)
                told_count = hosting.amend(party)
        except DomainError as error:
            show_at_field(form, error)
            return self._editor(form, self.own(slug))
        except StaleDataError:
            return self._conflict(form, slug)
        flash(*flashes.changed(party, told_count))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/<slug>/cancel", methods=["POST"])
    @has_access
    @permission_name("host")
    def cancel(self, slug: str) -> BaseResponse:
        """Call a party off."""
        party = self.owned(slug)
        try:
            with transaction():
                count = hosting.cancel(party)
        except DomainError as error:
            flash(str(error), error.category)
        except StaleDataError:
            flash(_("The party was changed meanwhile. Look at it again."), "warning")
        else:
            flash(*flashes.cancelled(count))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    def _editor(self, form: PartyForm, party: DinnerParty | None = None, **context: Any) -> BaseResponse:
        if form.is_submitted():
            flash(context.pop("problem", _("Please correct the fields that are marked.")), "danger")
        page = self.render_template("parties/edit.html", form=form, party=party, **context)
        return make_response(page, 422 if form.is_submitted() else 200)

    def _conflict(self, form: PartyForm, slug: str) -> BaseResponse:
        """Show both texts: what somebody else stored meanwhile, and what was typed here."""
        db.session.rollback()
        party = self.own(slug)
        db.session.refresh(party)
        theirs = {
            field.name: formats.value(getattr(party, field.name))
            for field in form
            if hasattr(party, field.name)
            and field.name != "version"
            and _differs(getattr(party, field.name), field.data)
        }
        if not theirs and not _publishes(party):
            # It was this form, sent twice.
            flash(*flashes.saved(party))
            return redirect(url_for("PartyView.show", slug=slug), 303)
        form.version.data = form.version.raw_data = None
        form.version.process_data(str(party.version))
        problem = _("The party was changed meanwhile; both versions are shown. Save again to keep yours.")
        return self._editor(form, party, conflict=theirs, problem=problem)


class MemberView(BaseView):
    """A member's own page: hosting, attending, waiting. Others see the public part."""

    route_base = "/user"
    default_view = "show"
    permission_words = {"can_read": lazy_gettext("See the pages of members")}

    @expose("/<username>")
    @has_access
    @permission_name("read")
    def show(self, username: str) -> str:
        """Show the page of one member."""
        profile = queries.member_by_username(username)
        if profile is None:
            abort(404)
        is_own = profile.id == current_user.id
        theirs = queries.answers_by(profile) if is_own else []
        return str(
            self.render_template(
                "parties/member.html",
                profile=profile,
                is_own=is_own,
                hosting=queries.hosted_by(profile, public_only=not is_own),
                attending=[answer for answer in theirs if answer.status == models.YES],
                waiting=[answer for answer in theirs if answer.status == models.WAITLISTED],
            )
        )


def _page_number() -> int:
    text = request.args.get("page", "1")[:6]
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1


def _fill(party: DinnerParty, form: PartyForm) -> None:
    """Put into `party` what the form may set, and the status its button asked for."""
    for field in form:
        if field.name not in {"version", "csrf_token"}:
            field.populate_obj(party, field.name)
    if party.status in {None, models.DRAFT}:
        party.status = models.PUBLISHED if _publishes(party) else models.DRAFT


def _differs(stored: object, typed: object) -> bool:
    """Whether two values look different to a person: a form has neither seconds nor an empty text that is None."""
    return formats.value(stored) != formats.value(typed)


def _publishes(party: DinnerParty) -> bool:
    """Whether the button that was pressed makes a draft, or a new party, public."""
    return party.status in {None, models.DRAFT} and request.form.get("action") == "publish"


def _mark_of_form() -> str:
    """Return what tells this form from all others that are sent: its token is another one each time it is shown."""
    sent = repr(sorted(request.form.items(multi=True)))
    return hashlib.sha256(sent.encode("utf-8", "surrogatepass")).hexdigest()[:12]
