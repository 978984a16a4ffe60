"""The page of e-mail preferences."""

from flask import flash, make_response, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.email_preferences import service as preferences
from app.accounts.email_preferences.forms import EmailPreferencesForm
from app.accounts.sessions.access import AccountView
from app.crud import flashes
from app.database import run_with_retry


class EmailPreferencesView(AccountView):
    """The topics of e-mails that a member wants. Links to unsubscribe change the same setting."""

    route_base = "/account/letters"
    default_view = "choose"

    @expose("/", methods=["GET", "POST"])
    def choose(self) -> BaseResponse:
        """Show the topics. POST stores the choice."""
        form = EmailPreferencesForm(data=preferences.of_member(current_user))
        if form.validate_on_submit():
            run_with_retry(lambda: preferences.store(current_user, form.topics.data, form.answers.data))
            flash(_("Settings saved."), "info")
            return redirect(url_for("EmailPreferencesView.choose"), 303)
        if form.is_submitted():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
        page = self.render_template("accounts/email_preferences.html", form=form)
        return make_response(page, 422 if form.is_submitted() else 200)
