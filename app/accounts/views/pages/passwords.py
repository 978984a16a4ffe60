"""Forget, reset and change a password."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView


class PasswordView(BaseView):
    """Forget, reset and change a password."""

    route_base = "/password"
    default_view = "forgot"

    @expose("/forgot")
    def forgot(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/reset/<string:token>")
    def reset(self, token: str) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/change")
    def change(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
