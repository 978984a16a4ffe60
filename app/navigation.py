"""The site map: every view, API and menu entry in menu order; and what each role may do, as data."""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext

# Importing these declares their named queries.
import app.accounts.statistics.named_queries
import app.dashboards.named_queries
import app.outbox.named_queries
import app.parties.attendance.named_queries
import app.parties.hosting.named_queries
import app.parties.menu.named_queries
import app.parties.rsvps.named_queries
import app.parties.waiting_list.named_queries  # noqa: F401
from app.accounts.api_keys.admin import ApiKeyModelView
from app.accounts.api_keys.views import ApiKeyView
from app.accounts.email_change.views import EmailChangeView
from app.accounts.email_preferences.views import EmailPreferencesView
from app.accounts.groups.admin import GroupModelView
from app.accounts.groups.api import GroupApi
from app.accounts.login.api import SecurityApi
from app.accounts.login.second_step import SecondStepView
from app.accounts.login.views import LoginView
from app.accounts.models import ADMIN, GUEST, PUBLIC, TRANSLATOR
from app.accounts.oidc.views import BackchannelLogoutView, IdentityView, OidcView
from app.accounts.passkeys.views import PasskeyView
from app.accounts.passwords.views import PasswordView
from app.accounts.privacy.views import MyDataView
from app.accounts.profile.views import ProfileView
from app.accounts.registration import wishes as registration_wishes
from app.accounts.registration.admin import RegistrationModelView
from app.accounts.registration.invitations_admin import MemberInvitationModelView
from app.accounts.registration.views import RegistrationView
from app.accounts.roles.admin import RoleModelView
from app.accounts.roles.api import PermissionApi, PermissionViewMenuApi, RoleApi, ViewMenuApi
from app.accounts.second_factor.views import SecondFactorView
from app.accounts.sessions.views import SessionView
from app.accounts.statistics.views import StatisticsView
from app.accounts.users.admin import UserModelView
from app.accounts.users.api import UserApi
from app.accounts.users.directory_admin import DirectoryPersonModelView
from app.administration.privacy import connect as connect_saved_views
from app.administration.saved_view_views import SavedViewsView
from app.administration.views import ManageView
from app.audit.views import AuditEventModelView
from app.crud.openapi import SiteMenuApi, SwaggerView
from app.dashboards.admin import DashboardMemberModelView, DashboardModelView, DashboardVersionModelView
from app.dashboards.api import DashboardApi
from app.dashboards.links.views import DashboardLinkView, SharedDashboardView
from app.dashboards.pages.edit import DashboardEditView
from app.dashboards.pages.files import DashboardFilesView
from app.dashboards.pages.history import DashboardHistoryView, DashboardMembersView
from app.dashboards.pages.schema import DashboardSchemaView
from app.dashboards.pages.views import DashboardView
from app.dashboards.privacy import connect as connect_dashboards
from app.dashboards.weekly.views import DashboardWeeklyView
from app.extensions import AppBuilder
from app.i18n.views import LocaleView
from app.inbound.admin import InboundMessageModelView
from app.jobs.admin import JobModelView
from app.outbox.admin import OutboxEmailModelView, UnreachableAddressModelView
from app.outbox.views import OneClickView, UnsubscribeView
from app.parties.api_base import OpenApi
from app.parties.calendar.views import CalendarView, FeedView
from app.parties.check_in.api import CheckInApi
from app.parties.check_in.tickets import TicketView
from app.parties.check_in.views import CheckInView
from app.parties.hosting.admin import DinnerPartyModelView
from app.parties.hosting.admin_api import DinnerPartyApi
from app.parties.hosting.api import HostApi
from app.parties.hosting.co_hosts import CoHostView
from app.parties.hosting.views import HostingView
from app.parties.invitations.admin import InvitationModelView
from app.parties.invitations.api import InvitationApi
from app.parties.invitations.link_views import InvitationView, JoinView, LinkRequestView
from app.parties.invitations.views import InvitationsView
from app.parties.menu.admin import MenuItemModelView
from app.parties.menu.api import MenuApi, PeopleApi
from app.parties.menu.views import MenuView
from app.parties.messages.admin import GuestMessageModelView, ReminderModelView
from app.parties.messages.api import MessageApi
from app.parties.messages.views import MessageView, QuestionView
from app.parties.moderation.admin import PartyReportModelView
from app.parties.moderation.api import ReportApi
from app.parties.moderation.views import ReportView
from app.parties.pages import cover, party_page, workspace
from app.parties.pages.api import PartyApi
from app.parties.pages.kitchen import KitchenView
from app.parties.pages.overview import OverviewView
from app.parties.pages.place_cards import PlaceCardsView
from app.parties.pages.style import StyleView
from app.parties.pages.views import LandingView, MemberView, PartyView
from app.parties.potluck.admin import DishClaimModelView, DishSlotModelView
from app.parties.potluck.api import PotluckApi
from app.parties.potluck.views import PotluckView
from app.parties.privacy import merging, personal_data
from app.parties.rsvps import wishes
from app.parties.rsvps.admin import RsvpModelView
from app.parties.rsvps.api import RsvpApi
from app.parties.rsvps.guest_list_api import GuestApi
from app.parties.rsvps.guest_list_views import GuestListView
from app.parties.rsvps.views import AnsweringView, RsvpView
from app.parties.series.admin import PartySeriesModelView
from app.parties.series.api import SeriesApi
from app.parties.series.views import SeriesView
from app.parties.waiting_list.admin import WaitOfferModelView
from app.parties.waiting_list.api import WaitingListApi
from app.parties.waiting_list.views import WaitingListView

# What a new site's roles may do: (permission, view). Administrators may do everything, and change this in the UI.
ROLES: dict[str, set[tuple[str, str]]] = {
    PUBLIC: {("can_read", "PartyView")},
    GUEST: {
        ("can_rsvp", "PartyView"),
        ("can_host", "PartyView"),
        ("can_read", "MemberView"),
        *((f"can_{action}", "DashboardView") for action in ("read", "create", "update", "delete", "clone", "share")),
    },
    TRANSLATOR: set(),
    ADMIN: set(),
}
# The pages of parties.
PARTY_PAGES = (
    PartyView,
    OverviewView,
    RsvpView,
    WaitingListView,
    HostingView,
    SeriesView,
    MemberView,
    FeedView,
    MenuView,
    KitchenView,
    PlaceCardsView,
    PotluckView,
    CoHostView,
    InvitationsView,
    InvitationView,
    JoinView,
    LinkRequestView,
    GuestListView,
    CheckInView,
    TicketView,
    ReportView,
    MessageView,
    QuestionView,
)
DASHBOARD_PAGES = (
    DashboardView,
    DashboardEditView,
    DashboardFilesView,
    DashboardHistoryView,
    DashboardMembersView,
    DashboardLinkView,
    DashboardWeeklyView,
    SharedDashboardView,
)
# The API of members, in the order in which it is described.
PARTY_APIS = (
    PartyApi,
    RsvpApi,
    PeopleApi,
    WaitingListApi,
    HostApi,
    SeriesApi,
    MenuApi,
    InvitationApi,
    GuestApi,
    CheckInApi,
    PotluckApi,
    MessageApi,
    ReportApi,
)
# For programs that keep users as another system has them. Flask-AppBuilder's setting adds them.
PROVISIONING_APIS = (UserApi, GroupApi, RoleApi, PermissionApi, ViewMenuApi, PermissionViewMenuApi)
PARTIES_MENU = {"category": "Parties", "category_label": lazy_gettext("Parties")}
PEOPLE_MENU = {"category": "People", "category_label": lazy_gettext("People")}
MAIL_MENU = {"category": "Mail", "category_label": lazy_gettext("Mail")}


def register(appbuilder: AppBuilder) -> None:
    """Add every view and API to `appbuilder`, and connect features to the signals of accounts."""
    _connect()
    manager = appbuilder.sm
    # Pages
    appbuilder.set_index(LandingView)
    # A rejected RSVP is shown on the page of the party, which builds on RSVPs.
    AnsweringView.render_party_page = party_page.render
    # The tabs of hosts count what all features of a party have.
    current_app.jinja_env.globals["party_workspace"] = workspace.of
    current_app.jinja_env.globals["drawn_table"] = cover.table
    for view in (*PARTY_PAGES, *DASHBOARD_PAGES):
        appbuilder.add_view_no_menu(view)
    appbuilder.add_view_no_menu(DashboardSchemaView)
    appbuilder.add_view_no_menu(ManageView)
    appbuilder.add_view_no_menu(SavedViewsView)
    appbuilder.add_view_no_menu(LocaleView)
    appbuilder.add_view_no_menu(UnsubscribeView)
    appbuilder.add_view_no_menu(OneClickView)
    # The door: FAB asks its security manager where it is
    manager.registeruser_view = appbuilder.add_view_no_menu(RegistrationView)
    manager.auth_view = appbuilder.add_view_no_menu(LoginView)
    if manager.is_auth_limited:
        manager.limiter.limit(manager.auth_rate_limit, methods=["POST"])(manager.auth_view.blueprint)
    for view in (SecondStepView, OidcView, BackchannelLogoutView, PasskeyView, PasswordView, EmailChangeView):
        appbuilder.add_view_no_menu(view)
    # What members see to themselves, in the order of their menu
    for view in (
        ProfileView,
        SecondFactorView,
        IdentityView,
        SessionView,
        CalendarView,
        EmailPreferencesView,
        ApiKeyView,
        MyDataView,
    ):
        appbuilder.add_view_no_menu(view)
    appbuilder.add_view_no_menu(StyleView)
    # The generated UI, in menu order
    appbuilder.add_view(DinnerPartyModelView, "Dinner parties", label=lazy_gettext("Dinner parties"), **PARTIES_MENU)
    appbuilder.add_view(PartySeriesModelView, "Series", label=lazy_gettext("Series"), **PARTIES_MENU)
    appbuilder.add_view(RsvpModelView, "RSVPs", label=lazy_gettext("Answers"), **PARTIES_MENU)
    appbuilder.add_view(WaitOfferModelView, "Seat offers", label=lazy_gettext("Seat offers"), **PARTIES_MENU)
    appbuilder.add_view(InvitationModelView, "Party invitations", label=lazy_gettext("Invited guests"), **PARTIES_MENU)
    appbuilder.add_view(MenuItemModelView, "Menus", label=lazy_gettext("Menus"), **PARTIES_MENU)
    appbuilder.add_view(DishSlotModelView, "Requested dishes", label=lazy_gettext("Requested dishes"), **PARTIES_MENU)
    appbuilder.add_view(DishClaimModelView, "Dish claims", label=lazy_gettext("Dishes guests bring"), **PARTIES_MENU)
    appbuilder.add_view(ReminderModelView, "Reminders", label=lazy_gettext("Reminders"), **PARTIES_MENU)
    appbuilder.add_view(GuestMessageModelView, "Messages", label=lazy_gettext("Messages to guests"), **PARTIES_MENU)
    appbuilder.add_view(
        PartyReportModelView,
        "Reports",
        label=lazy_gettext("Reports"),
        href=PartyReportModelView.OPEN_ONLY,
        **PARTIES_MENU,
    )
    manager.user_view = appbuilder.add_view(UserModelView, "Users", label=lazy_gettext("Users"), **PEOPLE_MENU)
    appbuilder.add_view(RegistrationModelView, "Registrations", label=lazy_gettext("Registrations"), **PEOPLE_MENU)
    appbuilder.add_view(MemberInvitationModelView, "Invitations", label=lazy_gettext("Invitations"), **PEOPLE_MENU)
    appbuilder.add_view(DirectoryPersonModelView, "Directory", label=lazy_gettext("Directory"), **PEOPLE_MENU)
    appbuilder.add_view(GroupModelView, "Groups", label=lazy_gettext("Groups"), **PEOPLE_MENU)
    appbuilder.add_view(RoleModelView, "Roles", label=lazy_gettext("Roles"), **PEOPLE_MENU)
    appbuilder.add_view(ApiKeyModelView, "API keys", label=lazy_gettext("API keys"), **PEOPLE_MENU)
    appbuilder.add_view(StatisticsView, "Statistics", label=lazy_gettext("Statistics"), **PEOPLE_MENU)
    appbuilder.add_view(DashboardModelView, "Dashboards", label=lazy_gettext("Dashboards"), **PEOPLE_MENU)
    appbuilder.add_view_no_menu(DashboardMemberModelView)
    appbuilder.add_view_no_menu(DashboardVersionModelView)
    appbuilder.add_view(AuditEventModelView, "Audit log", label=lazy_gettext("Audit log"), **PEOPLE_MENU)
    appbuilder.add_view(JobModelView, "Scheduled jobs", label=lazy_gettext("Scheduled jobs"), **PEOPLE_MENU)
    appbuilder.add_view(OutboxEmailModelView, "Outbox", label=lazy_gettext("Outbox"), **MAIL_MENU)
    appbuilder.add_view(
        UnreachableAddressModelView, "Unreachable addresses", label=lazy_gettext("Unreachable addresses"), **MAIL_MENU
    )
    appbuilder.add_view(InboundMessageModelView, "Received e-mail", label=lazy_gettext("Received e-mail"), **MAIL_MENU)
    _register_apis(appbuilder, current_app.config)


def _connect() -> None:
    personal_data.connect()
    merging.connect()
    connect_dashboards()
    connect_saved_views()
    registration_wishes.know(registration_wishes.WishKind(wishes.describe, wishes.grant))


def _register_apis(appbuilder: AppBuilder, settings: Mapping[str, Any]) -> None:
    appbuilder.add_api(SecurityApi)
    for api in PARTY_APIS:
        appbuilder.add_api(api)
    appbuilder.add_api(DashboardApi)
    appbuilder.add_api(DinnerPartyApi)
    if settings["FAB_ADD_SECURITY_API"]:
        for api in PROVISIONING_APIS:
            appbuilder.add_api(api)
    if settings["FAB_ADD_MENU_API"]:
        appbuilder.add_api(SiteMenuApi)
    if settings.get("FAB_ADD_OPENAPI_VIEWS", True):
        appbuilder.add_api(OpenApi)
        if settings.get("FAB_API_SWAGGER_UI"):
            appbuilder.add_view_no_menu(SwaggerView)
