"""Keys for programs that act as oneself."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.views.access import AccountView


class ApiKeyView(AccountView):
    """Keys for programs that act as oneself."""

    route_base = "/account/keys"
    default_view = "list"

    @expose("/")
    def list(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
