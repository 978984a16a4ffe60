"""Who one is: names, language, zone, diets, e-mail address."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.views.access import AccountView
from app.crud.views import BaseView


class ProfileView(AccountView):
    """Who one is: names, language, zone, diets, e-mail address."""

    route_base = "/account/profile"
    default_view = "edit"

    @expose("/")
    def edit(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError


class EmailView(BaseView):
    """Who one is: names, language, zone, diets, e-mail address."""

    route_base = "/account/email"
    default_view = "change"

    @expose("/")
    def change(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/confirm/<string:token>")
    def confirm(self, token: str) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/undo/<string:token>")
    def undo(self, token: str) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
