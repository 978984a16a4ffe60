"""Log in at an OpenID Connect provider."""

from flask_appbuilder import expose
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView


class OpenidView(BaseView):
    """Log in at an OpenID Connect provider."""

    route_base = "/login/openid"
    default_view = "start"

    @expose("/")
    def start(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError

    @expose("/callback")
    def callback(self) -> BaseResponse:
        """To be written."""
        raise NotImplementedError
