"""Administration of the messages that were kept: list, search, show, delete. Nobody can change them."""

from flask_babel import lazy_gettext
from markupsafe import Markup

from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.inbound.models import InboundMessage


def _prose(text: str) -> Markup:
    """Return the text of a message as it was written. Links in it are not made clickable: anybody can send anything."""
    return Markup('<div class="prose" dir="auto">{}</div>').format(text)


class InboundMessageModelView(ModelView):
    """Messages that came to the site, and that are neither replies nor reports nor written by a program."""

    datamodel = SQLAInterface(InboundMessage)
    route_base = "/inbound"
    include_route_methods = {"list", "show", "delete"}
    base_permissions = ["can_list", "can_show", "can_delete"]
    base_order = ("received_at", "desc")
    list_title = lazy_gettext("Received e-mails")
    show_title = lazy_gettext("Received e-mail")
    empty_message = lazy_gettext("There are no e-mails yet.")
    label_columns = {
        "received_at": lazy_gettext("Received"),
        "sender": lazy_gettext("Says it comes from"),
        "recipient": lazy_gettext("To"),
        "subject": lazy_gettext("Subject"),
        "text": lazy_gettext("Text"),
        "size": lazy_gettext("Bytes"),
    }
    list_columns = ["received_at", "sender", "subject"]
    show_columns = ["received_at", "sender", "recipient", "subject", "text", "size"]
    search_columns = ["received_at", "sender", "subject", "text"]
    order_columns = ["received_at", "sender", "subject"]
    formatters_columns = {"text": _prose}
