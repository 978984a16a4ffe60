"""Passkeys: add, remove, log in with one."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView


class PasskeyView(BaseView):
    """Passkeys: add, remove, log in with one."""

    route_base = "/passkeys"
    default_view = "options"

    @expose("/options")
    def options(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
