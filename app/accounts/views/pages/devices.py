"""The devices one is logged in on."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.views.access import AccountView


class DeviceView(AccountView):
    """The devices one is logged in on."""

    route_base = "/account/devices"
    default_view = "list"

    @expose("/")
    def list(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
