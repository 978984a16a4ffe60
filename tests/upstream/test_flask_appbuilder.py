"""Weaknesses of Flask-AppBuilder. When one of these tests fails, upstream was fixed, and our base needs to do less."""

import pytest
from flask_appbuilder import ModelRestApi as StockModelRestApi
from flask_appbuilder import ModelView as StockModelView
from flask_appbuilder.actions import action
from flask_appbuilder.models.sqla.interface import SQLAInterface as StockSQLAInterface
from wtforms.validators import Length

from app.accounts.models import Member
from app.parties.models import Rsvp
from tests.crud.views import (
    Meeting,
    WithAction,
    are_filters_mixed_up,
    email_view,
    pages_of_two_threads,
    refuse,
    write_soup_and_salad,
)
from tests.support.factories import PASSWORD_HASH, DinnerPartyFactory, MemberFactory, OutboxEmailFactory, RsvpFactory
from tests.support.statements import count_statements

STOCK = StockModelView, StockSQLAInterface


class StockAnswerApi(StockModelRestApi):
    resource_name = "stockanswers"
    datamodel = StockSQLAInterface(Rsvp)


def test_a_stock_api_sends_password_hashes(stock):
    DinnerPartyFactory()
    assert PASSWORD_HASH in stock(StockAnswerApi).get("/api/v1/stockanswers/").text


def test_stock_forms_add_to_the_lists_that_a_class_declares(stock):
    validators = {"subject": [Length(max=9)]}
    stock(email_view(*STOCK, validators_columns=validators))
    assert len(validators["subject"]) > 1


@pytest.mark.parametrize("query", ["page_TextView=word", "psize_TextView=many", "_flt_9_attempts=1"])
def test_a_stock_list_fails_on_a_malformed_url(stock, query):
    visitor = stock(email_view(*STOCK))
    visitor.app.config["PROPAGATE_EXCEPTIONS"] = False
    assert visitor.get(f"/texts/list/?{query}").status == 500


def test_a_stock_view_shows_database_errors(stock, cast):
    view = type("People", (StockModelView,), {"datamodel": StockSQLAInterface(Member), "route_base": "/people"})
    view.add_columns = view.edit_columns = view.search_columns = ["first_name", "last_name", "username", "email"]
    typed = {"first_name": "A", "last_name": "B", "username": "HOST", "email": "new@example.com"}
    page = stock(view).post("/people/add", typed, csrf=False)
    assert "INSERT INTO" in page.text


def test_stock_views_share_filters_between_threads(stock):
    write_soup_and_salad()
    view = type("TextView", (Meeting, email_view(*STOCK)), {})
    assert are_filters_mixed_up(pages_of_two_threads(stock(view), view))


def test_a_stock_form_is_lost_when_a_hook_refuses(stock):
    view = email_view(*STOCK, pre_add=refuse, add_columns=["subject"])
    page = stock(view).post("/texts/add", {"subject": "Typed with care"}, csrf=False, follow=False)
    assert page.status == 302


def test_a_stock_session_stores_the_urls_of_the_last_pages(stock):
    visitor = stock(email_view(*STOCK))
    visitor.get("/texts/list/?_flt_0_subject=" + "a" * 500)
    with visitor.client.session_transaction() as session:
        assert len(str(session["page_history"])) > 500


def test_a_stock_list_has_no_order(stock):
    visitor = stock(email_view(*STOCK, base_order=None))
    OutboxEmailFactory()
    with count_statements() as statements:
        visitor.get("/texts/list/")
    assert not any("ORDER BY" in each for each in statements if "FROM letter" in each)


class StockAnswerView(StockModelView):
    datamodel = StockSQLAInterface(Rsvp)
    route_base = "/stockanswers"
    edit_columns = ("member",)
    related_views = ()


def test_a_stock_form_lists_all_members(stock):
    answer = RsvpFactory()
    everybody = MemberFactory.create_batch(30)
    text = stock(StockAnswerView).get(f"/stockanswers/edit/{answer.id}").text
    assert all(f'value="{member.id}"' in text for member in everybody)


class StockShout(WithAction):
    @action("shout", "Shout", "Sure?", "")
    def shout(self, items):
        from flask import redirect

        super().shout(items)
        self.datamodel.session.commit()
        return redirect("/")


def test_a_stock_action_reaches_rows_that_the_view_hides(stock, records):
    hidden = OutboxEmailFactory(subject="secret")
    view = type("TextView", (StockShout, email_view(*STOCK)), {})
    stock(view).post("/texts/action_post", {"action": "shout", "rowid": [str(hidden.id)]}, csrf=False)
    assert records.fresh(hidden).subject == "SECRET"
