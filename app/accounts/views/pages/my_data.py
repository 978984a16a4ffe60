"""Take all that is known about oneself along, or have it erased."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.views.access import AccountView


class MyDataView(AccountView):
    """Take all that is known about oneself along, or have it erased."""

    route_base = "/account/data"
    default_view = "show"

    @expose("/")
    def show(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/keep/<string:token>")
    def keep(self, token: str) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
