"""A second factor: authenticator apps and recovery codes, and the step of the login that asks for one."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.views.access import AccountView
from app.crud.views import BaseView


class SecondFactorView(AccountView):
    """A second factor: authenticator apps and recovery codes, and the step of the login that asks for one."""

    route_base = "/account/second-factor"
    default_view = "overview"

    @expose("/")
    def overview(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError


class SecondStepView(BaseView):
    """A second factor: authenticator apps and recovery codes, and the step of the login that asks for one."""

    route_base = "/login/second-step"
    default_view = "form"

    @expose("/")
    def form(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
