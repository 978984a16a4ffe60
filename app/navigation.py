"""The site map: every view, API and menu entry in menu order; and what each role may do, as data."""

from flask_babel import lazy_gettext

from app.accounts.api import SecurityApi
from app.accounts.models import ADMIN, GUEST, PUBLIC, TRANSLATOR
from app.accounts.views.generated.groups import GroupModelView
from app.accounts.views.generated.invitations import MemberInvitationModelView
from app.accounts.views.generated.keys import ApiKeyModelView
from app.accounts.views.generated.registrations import RegistrationModelView
from app.accounts.views.generated.roles import RoleModelView
from app.accounts.views.generated.statistics import StatisticsView
from app.accounts.views.generated.users import UserModelView
from app.accounts.views.pages.api_keys import ApiKeyView
from app.accounts.views.pages.devices import DeviceView
from app.accounts.views.pages.factors import SecondFactorView, SecondStepView
from app.accounts.views.pages.letters import LettersView
from app.accounts.views.pages.login import LoginView
from app.accounts.views.pages.my_data import MyDataView
from app.accounts.views.pages.openid import IdentityView, OpenidView
from app.accounts.views.pages.passkeys import PasskeyView
from app.accounts.views.pages.passwords import PasswordView
from app.accounts.views.pages.profile import EmailView, ProfileView
from app.accounts.views.pages.registration import RegistrationView
from app.audit.views import AuditEventModelView
from app.extensions import AppBuilder
from app.i18n.views import LocaleView
from app.outbox.views.letters import LetterModelView
from app.outbox.views.unsubscribing import OneClickView, UnsubscribeView
from app.parties import personal_data
from app.parties.api import MEMBERS, DinnerPartyApi, OpenApi
from app.parties.views.calendar import CalendarView, FeedView
from app.parties.views.door import DoorView
from app.parties.views.food import FoodView
from app.parties.views.generated import (
    DinnerPartyModelView,
    DishClaimModelView,
    DishSlotModelView,
    GuestMessageModelView,
    InvitationModelView,
    MenuItemModelView,
    PartyReportModelView,
    ReminderModelView,
    RsvpModelView,
    WaitOfferModelView,
)
from app.parties.views.guest_list import GuestListView
from app.parties.views.hosts import HostsView
from app.parties.views.invitations import InvitationsView
from app.parties.views.pages import LandingView, MemberView, PartyView
from app.parties.views.personal_links import InvitationView, JoinView
from app.parties.views.potluck import PotluckView
from app.parties.views.reports import ReportView
from app.parties.views.tickets import TicketView
from app.parties.views.writing import WritingView

# What a new site's roles may do: (permission, view). Administrators may do everything, and change this in the UI.
ROLES: dict[str, set[tuple[str, str]]] = {
    PUBLIC: {("can_read", "PartyView")},
    GUEST: {("can_answer", "PartyView"), ("can_host", "PartyView"), ("can_read", "MemberView")},
    TRANSLATOR: set(),
    ADMIN: set(),
}
PARTIES_MENU = {"category": "Parties", "category_label": lazy_gettext("Parties")}
PEOPLE_MENU = {"category": "People", "category_label": lazy_gettext("People")}
MAIL_MENU = {"category": "Post", "category_label": lazy_gettext("Post")}


def register(appbuilder: AppBuilder) -> None:
    """Add every view and API to `appbuilder`, and let the features hear of what accounts do."""
    personal_data.connect()
    manager = appbuilder.sm
    # Pages
    appbuilder.set_index(LandingView)
    appbuilder.add_view_no_menu(PartyView)
    appbuilder.add_view_no_menu(MemberView)
    appbuilder.add_view_no_menu(FeedView)
    appbuilder.add_view_no_menu(FoodView)
    appbuilder.add_view_no_menu(PotluckView)
    appbuilder.add_view_no_menu(HostsView)
    appbuilder.add_view_no_menu(InvitationsView)
    appbuilder.add_view_no_menu(InvitationView)
    appbuilder.add_view_no_menu(JoinView)
    appbuilder.add_view_no_menu(GuestListView)
    appbuilder.add_view_no_menu(DoorView)
    appbuilder.add_view_no_menu(TicketView)
    appbuilder.add_view_no_menu(ReportView)
    appbuilder.add_view_no_menu(WritingView)
    appbuilder.add_view_no_menu(LocaleView)
    appbuilder.add_view_no_menu(UnsubscribeView)
    appbuilder.add_view_no_menu(OneClickView)
    # The door: FAB asks its security manager where it is
    manager.registeruser_view = appbuilder.add_view_no_menu(RegistrationView)
    manager.auth_view = appbuilder.add_view_no_menu(LoginView)
    for view in (SecondStepView, OpenidView, PasskeyView, PasswordView, EmailView):
        appbuilder.add_view_no_menu(view)
    # What members see to themselves, in the order of their menu
    for view in (
        ProfileView,
        SecondFactorView,
        IdentityView,
        DeviceView,
        CalendarView,
        LettersView,
        ApiKeyView,
        MyDataView,
    ):
        appbuilder.add_view_no_menu(view)
    # The generated UI, in menu order
    appbuilder.add_view(DinnerPartyModelView, "Dinner parties", label=lazy_gettext("Dinner parties"), **PARTIES_MENU)
    appbuilder.add_view(RsvpModelView, "Answers", label=lazy_gettext("Answers"), **PARTIES_MENU)
    appbuilder.add_view(WaitOfferModelView, "Seat offers", label=lazy_gettext("Seat offers"), **PARTIES_MENU)
    appbuilder.add_view(InvitationModelView, "Party invitations", label=lazy_gettext("Invited guests"), **PARTIES_MENU)
    appbuilder.add_view(MenuItemModelView, "Menus", label=lazy_gettext("Menus"), **PARTIES_MENU)
    appbuilder.add_view(DishSlotModelView, "Asked-for dishes", label=lazy_gettext("Asked-for dishes"), **PARTIES_MENU)
    appbuilder.add_view(DishClaimModelView, "Brought dishes", label=lazy_gettext("Brought dishes"), **PARTIES_MENU)
    appbuilder.add_view(ReminderModelView, "Reminders", label=lazy_gettext("Reminders"), **PARTIES_MENU)
    appbuilder.add_view(GuestMessageModelView, "Messages", label=lazy_gettext("Messages to guests"), **PARTIES_MENU)
    appbuilder.add_view(
        PartyReportModelView,
        "Reports",
        label=lazy_gettext("Reports"),
        href=PartyReportModelView.OPEN_ONES,
        **PARTIES_MENU,
    )
    manager.user_view = appbuilder.add_view(UserModelView, "Users", label=lazy_gettext("Users"), **PEOPLE_MENU)
    appbuilder.add_view(RegistrationModelView, "Registrations", label=lazy_gettext("Registrations"), **PEOPLE_MENU)
    appbuilder.add_view(MemberInvitationModelView, "Invitations", label=lazy_gettext("Invitations"), **PEOPLE_MENU)
    appbuilder.add_view(GroupModelView, "Groups", label=lazy_gettext("Groups"), **PEOPLE_MENU)
    appbuilder.add_view(RoleModelView, "Roles", label=lazy_gettext("Roles"), **PEOPLE_MENU)
    appbuilder.add_view(ApiKeyModelView, "API keys", label=lazy_gettext("API keys"), **PEOPLE_MENU)
    appbuilder.add_view(StatisticsView, "Statistics", label=lazy_gettext("Statistics"), **PEOPLE_MENU)
    appbuilder.add_view(AuditEventModelView, "Audit log", label=lazy_gettext("Audit log"), **PEOPLE_MENU)
    appbuilder.add_view(LetterModelView, "Outbox", label=lazy_gettext("Outbox"), **MAIL_MENU)
    # APIs
    appbuilder.add_api(SecurityApi)
    for api in MEMBERS:
        appbuilder.add_api(api)
    appbuilder.add_api(DinnerPartyApi)
    appbuilder.add_api(OpenApi)
