"""The profile page: names, picture, language, time zone, diets."""

import flask_babel
from flask import Response, flash, make_response, redirect, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ldap import client as ldap_client
from app.accounts.profile import service as profile_service
from app.accounts.profile.forms import ProfileForm
from app.accounts.sessions.access import AccountView
from app.crud import files, flashes
from app.database import transaction
from app.i18n.selectors import current_locale, current_timezone


class ProfileView(AccountView):
    """The profile of the member who is logged in."""

    route_base = "/account/profile"
    upload_methods = frozenset({"edit"})
    default_view = "edit"

    @expose("/", methods=["GET", "POST"])
    def edit(self) -> BaseResponse:
        """Show the profile. POST stores it."""
        current = {"locale": current_user.locale or current_locale(), "timezone": current_timezone()}
        names = ("first_name", "last_name", "picture", "hour_cycle", "diets", "allergens")
        form = ProfileForm(data={name: getattr(current_user, name) for name in names} | current)
        form.picture.preview = lambda value: url_for("ProfileView.picture", thumbnail=1, v=value[:8])
        if ldap_client.is_enabled():
            # The directory sets them at every login.
            del form.first_name, form.last_name
        if form.validate_on_submit():
            with transaction():
                profile_service.save(
                    current_user,
                    profile_service.Profile(
                        first_name=form.first_name.data if "first_name" in form else current_user.first_name,
                        last_name=form.last_name.data if "last_name" in form else current_user.last_name,
                        picture=form.picture.stored(),
                        locale=form.locale.data,
                        timezone=form.timezone.data,
                        hour_cycle=form.hour_cycle.data,
                        diets=form.diets.data,
                        allergens=form.allergens.data,
                    ),
                )
            # For pages without a login on this device. The flash of this response uses the new language at once.
            session["locale"] = form.locale.data
            flask_babel.refresh()
            flash(_("Settings saved."), "info")
            return redirect(url_for("ProfileView.edit"), 303)
        if form.is_submitted():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
        page = self.render_template("accounts/profile.html", form=form)
        return make_response(page, 422 if form.is_submitted() else 200)

    @expose("/picture")
    def picture(self) -> Response:
        """Send the member's own picture."""
        return files.send_image(current_user.picture, current_user.username)
