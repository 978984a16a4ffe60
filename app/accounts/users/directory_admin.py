"""The generated UI over the people of the LDAP directory: which account is whose, and who waits for a decision."""

from typing import Any

from flask_babel import lazy_gettext, ngettext
from sqlalchemy import inspect, select

from app.accounts.models import DirectoryPerson
from app.accounts.users import directory
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.sidebar import Waiting
from app.crud.views import ModelView, ReauthenticationRequired
from app.extensions import db


class DirectoryPersonModelView(ReauthenticationRequired, ModelView):
    """People of the directory. Those without an account wait until an administrator decides whose the contested one is."""

    fresh = frozenset({"edit", "action", "action_post"})
    datamodel = SQLAInterface(DirectoryPerson)
    route_base = "/directory"
    base_permissions = ["can_list", "can_show", "can_edit", "confirm", "separate"]
    base_order = ("created_at", "desc")
    list_title = lazy_gettext("Directory")
    show_title = lazy_gettext("Person of the directory")
    edit_title = lazy_gettext("Choose the account of this person")
    empty_message = lazy_gettext("Nobody of the directory has logged in yet.")
    label_columns = {
        "username": lazy_gettext("Username"),
        "name": lazy_gettext("Name"),
        "email": lazy_gettext("E-mail address"),
        "dn": lazy_gettext("Name in the directory"),
        "unique_id": lazy_gettext("Unique id"),
        "member": lazy_gettext("Account"),
        "contested": lazy_gettext("Is this account theirs?"),
        "created_at": lazy_gettext("First seen"),
        "checked_at": lazy_gettext("Last seen"),
        "lost_at": lazy_gettext("Not let in since"),
    }
    list_columns = ["username", "name", "email", "member", "contested", "lost_at"]
    show_columns = [
        *("username", "name", "email", "dn", "unique_id", "member", "contested"),
        *("created_at", "checked_at", "lost_at"),
    ]
    edit_columns = ["member"]
    search_columns = ["username", "name", "email", "dn", "member", "contested", "checked_at", "lost_at"]
    waiting = Waiting(
        lambda: select(DirectoryPerson.id).where(
            DirectoryPerson.member_id.is_(None), DirectoryPerson.contested_id.is_not(None)
        ),
        lambda count: ngettext(
            "%(num)d person of the directory waits for your decision",
            "%(num)d people of the directory wait for your decision",
            count,
        ),
    )
    order_columns = ["username", "email", "created_at", "checked_at", "lost_at"]
    autocomplete_columns = dict.fromkeys(
        ("member", "contested"), ("username", ["username", "first_name", "last_name", "email"])
    )
    description_columns = {
        "member": lazy_gettext(
            "The username of the account that this person logs in to. If empty, they cannot log in until you decide again."
        ),
        "contested": lazy_gettext(
            "This person has its username or e-mail address, and it may belong to somebody else."
        ),
    }

    def pre_update(self, item: DirectoryPerson) -> None:
        """Link the person with the chosen account, or with none."""
        history: Any = inspect(item).attrs.member.history
        if history.has_changes():
            wanted, before = item.member, (history.deleted or [None])[0]
            with db.session.no_autoflush:
                item.member = before
                directory.change_owner(item, wanted)

    @action(
        "confirm",
        lazy_gettext("It is their account"),
        lazy_gettext("Let this person use the account from now on? Whose it was so far cannot log in to it any more."),
        "",
        applies=lambda person: person.contested is not None,
    )
    def confirm(self, items: list[Any]) -> str:
        """Give people the accounts that they asked for."""
        for item in items:
            directory.confirm(item)
        return str(ngettext("%(num)d person can log in now.", "%(num)d people can log in now.", len(items)))

    @action(
        "separate",
        lazy_gettext("It is somebody else's"),
        lazy_gettext("Give the other account another username, and this person a new one at the next login?"),
        "",
        applies=lambda person: person.contested is not None,
    )
    def separate(self, items: list[Any]) -> str:
        """Rename the contested accounts."""
        for item in items:
            directory.separate(item)
        return str(
            ngettext(
                "%(num)d person gets a new account at the next login.",
                "%(num)d people get new accounts at the next login.",
                len(items),
            )
        )
