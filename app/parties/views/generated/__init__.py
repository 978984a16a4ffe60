"""The generated UI over the tables of parties, for administrators.

parties      dinner parties; what belongs to one is a click away
answers      answers of guests
line         seats that were offered
invitations  who was invited
food         menus, dishes that guests are asked for, and what they bring
writing      reminders and messages
moderation   what somebody finds wrong

What guests do not eat is shown nowhere here: it is for the hosts of their party alone.
"""

from app.parties.views.generated.answers import RsvpModelView
from app.parties.views.generated.food import DishClaimModelView, DishSlotModelView, MenuItemModelView
from app.parties.views.generated.invitations import InvitationModelView
from app.parties.views.generated.line import WaitOfferModelView
from app.parties.views.generated.moderation import PartyReportModelView
from app.parties.views.generated.parties import DinnerPartyModelView
from app.parties.views.generated.writing import GuestMessageModelView, ReminderModelView

__all__ = [
    "DinnerPartyModelView",
    "DishClaimModelView",
    "DishSlotModelView",
    "GuestMessageModelView",
    "InvitationModelView",
    "MenuItemModelView",
    "PartyReportModelView",
    "ReminderModelView",
    "RsvpModelView",
    "WaitOfferModelView",
]
