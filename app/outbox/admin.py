"""Administration of the outbox: read e-mails, send them again, test the mail server."""

import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app, flash, redirect
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext, lazy_pgettext, ngettext
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud.actions import action
from app.crud.datamodel import SQLAInterface
from app.crud.sidebar import Waiting
from app.crud.view_config import Labels
from app.crud.views import ModelView
from app.database import transaction
from app.errors import Category
from app.outbox import delivery, service, texts
from app.outbox.models import SECRET, UNSUBSCRIBE, EmailState, MailProblem, OutboxEmail, UnreachableAddress


def _readable_text(content: tuple[str, str | None]) -> Markup:
    """Return the text of an e-mail with links to this site.

    The secret is shown only if no mail server is configured: then the administrator passes the link on.
    """
    text, secret = content
    text = text.replace(SECRET, "…" if secret is None or service.delivers() else secret).replace(UNSUBSCRIBE, "…")
    own_urls = re.compile(rf"({re.escape(current_app.config['PUBLIC_URL'])}/\S*)")
    parts = [
        Markup('<a href="{0}">{0}</a>').format(part) if number % 2 else escape(part)
        for number, part in enumerate(own_urls.split(text))
    ]
    return Markup('<div class="prose" dir="auto">{}</div>').format(Markup().join(parts))


class OutboxEmailModelView(ModelView):
    """E-mails. The site writes them; administrators read them and send them again."""

    datamodel = SQLAInterface(OutboxEmail)
    route_base = "/letters"
    base_permissions = ["can_list", "can_show", "can_test", "resend"]
    permission_labels = {"can_test": lazy_gettext("Send a test e-mail")}
    base_order = ("created_at", "desc")
    list_template = "outbox/emails.html"
    list_title = lazy_gettext("Outbox")
    show_title = lazy_gettext("E-mail")
    empty_message = lazy_gettext("There are no e-mails yet.")
    label_columns = {
        "id": lazy_pgettext("identifier", "Number"),
        "recipient": lazy_gettext("To"),
        "name": lazy_gettext("Name"),
        "kind": lazy_gettext("Kind"),
        "locale": lazy_gettext("Language"),
        "timezone": lazy_gettext("Time zone"),
        "subject": lazy_gettext("Subject"),
        "content": lazy_gettext("Text"),
        "state": lazy_gettext("State"),
        "attempts": lazy_gettext("Attempts"),
        "not_before": lazy_gettext("Not before"),
        "expires_at": lazy_gettext("Not after"),
        "last_error": lazy_gettext("Last error"),
        "created_at": lazy_gettext("Written"),
        "sent_at": lazy_pgettext("column of moments", "Sent"),
        "message_id": lazy_gettext("Message-ID"),
    }
    list_columns = ["created_at", "recipient", "subject", "state", "attempts", "sent_at"]
    show_fieldsets = [
        (lazy_gettext("E-mail"), {"fields": ["recipient", "name", "subject", "content"]}),
        (
            lazy_gettext("Delivery"),
            {"fields": ["state", "attempts", "last_error", "created_at", "not_before", "expires_at", "sent_at"]},
        ),
        (lazy_gettext("Details"), {"fields": ["kind", "locale", "timezone", "message_id"]}),
    ]
    search_columns = ["recipient", "name", "subject", "kind", "state", "last_error", "created_at", "sent_at"]
    order_columns = ["created_at", "recipient", "subject", "state", "attempts", "sent_at"]
    choices_columns = {"state": EmailState.labels()}
    formatters_columns = {"content": _readable_text}
    name_column = "subject"
    state_tones = {"state": {EmailState.SENT: "good", EmailState.QUEUED: "warning", EmailState.FAILED: "danger"}}
    # Older ones are history.
    waiting = Waiting(
        lambda: select(OutboxEmail.id).where(
            OutboxEmail.state == EmailState.FAILED, OutboxEmail.created_at >= clock.now() - timedelta(days=7)
        ),
        lambda count: ngettext(
            "%(num)d e-mail of the last 7 days has failed", "%(num)d e-mails of the last 7 days have failed", count
        ),
        f"_flt_0_state={EmailState.FAILED}&_flt_0_created_at=last-7-days",
    )

    primary_actions = ["resend"]

    @action(
        "resend",
        lazy_gettext("Send again"),
        lazy_gettext("Send the selected messages again?"),
        "",
        applies=lambda email: service.may_resend(email, clock.now()),
    )
    def resend(self, items: list[OutboxEmail]) -> BaseResponse:
        """Queue e-mails again that were sent or have failed."""
        with transaction():
            lost = sum(email.secret_is_gone for email in items)
            count = service.resend(items)
        flash(*_resent(count, lost=lost, total=len(items)))
        return redirect(self.get_redirect(), 303)

    @expose("/test", methods=["POST"])
    @has_access
    def test(self) -> BaseResponse:
        """Send an e-mail to the administrator who asks, if the mail server can be reached."""
        member: Any = current_user
        reason = delivery.check() if service.delivers() else _why_no_server()
        if reason:
            flash(_("Could not reach the mail server: %(reason)s", reason=reason), "danger")
        else:
            with transaction():
                service.enqueue(
                    service.EmailRequest(
                        "test",
                        to=member.email,
                        name=f"{member.first_name} {member.last_name}",
                        locale=member.locale,
                        timezone=member.timezone,
                        hour_cycle=member.hour_cycle,
                        context={"asked_at": clock.now()},
                        dedupe_key=f"test:{secrets.token_hex(8)}",
                        priority=service.URGENT,
                    )
                )
            flash(_("Test e-mail queued to %(email)s.", email=member.email), "info")
        return redirect(self.get_redirect(), 303)


class UnreachableAddressModelView(ModelView):
    """Addresses that refused e-mail. Deleting one lets the site write to it again."""

    datamodel = SQLAInterface(UnreachableAddress)
    route_base = "/unreachable"
    include_route_methods = {"list", "show", "delete"}
    base_permissions = ["can_list", "can_show", "can_delete"]
    base_order = ("last_at", "desc")
    list_title = lazy_gettext("Unreachable addresses")
    show_title = lazy_gettext("Unreachable address")
    empty_message = lazy_gettext("No address has refused an e-mail.")
    label_columns = {
        "email": lazy_gettext("E-mail address"),
        "problem": lazy_gettext("Reason"),
        "reason": lazy_gettext("What the mail server said"),
        "is_reported": lazy_gettext("Reported after it was accepted"),
        "refusals": lazy_gettext("Refused e-mails"),
        "first_at": lazy_gettext("First refused"),
        "last_at": lazy_gettext("Last refused"),
    }
    list_columns = ["email", "problem", "refusals", "last_at"]
    show_columns = ["email", "problem", "reason", "is_reported", "refusals", "first_at", "last_at"]
    search_columns = ["email", "problem", "reason", "last_at"]
    order_columns = ["email", "refusals", "last_at"]
    choices_columns = {"problem": MailProblem.labels()}
    formatters_columns = {"problem": Labels(MailProblem.labels())}


def _why_no_server() -> str:
    return _("MAIL_SUPPRESS_SEND is set") if service.suppresses() else _("no mail server is configured")


def _resent(count: int, *, lost: int, total: int) -> tuple[str, Category]:
    """Return one flash about the e-mails that were selected: how many are queued, and why others are not."""
    sentences: Sequence[str] = [
        ngettext("%(num)d message queued again.", "%(num)d messages queued again.", count) if count else "",
        ngettext(
            "%(num)d message contains a link that has already been used. Send a new activation e-mail from "
            "Registrations.",
            "%(num)d messages contain links that have already been used. Send new activation e-mails from "
            "Registrations.",
            lost,
        )
        if lost
        else "",
        _("Nothing changed: e-mails that are waiting, being sent or expired cannot be queued again.")
        if not count and lost < total
        else "",
    ]
    text = " ".join(filter(None, sentences))
    return texts.queued(text, "warning" if lost else "info") if count else (text, "warning")
