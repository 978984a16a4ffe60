"""Base classes of views that need a login, or a fresh one."""

from typing import ClassVar

from flask import request
from flask_appbuilder.hooks import before_request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.sessions import service as session_service
from app.crud.views import BaseView
from app.extensions import appbuilder_of


class ReauthenticationRequired:
    """A view with endpoints that need a fresh login. `fresh` holds the names of their methods."""

    fresh: ClassVar[frozenset[str]] = frozenset()

    @before_request
    def _require_fresh_login(self) -> BaseResponse | None:
        name = (request.endpoint or "").rpartition(".")[2]
        if name not in self.fresh or not current_user.is_authenticated or session_service.is_fresh():
            return None
        response: BaseResponse = appbuilder_of().sm.lm.needs_refresh()
        return response


class AccountView(ReauthenticationRequired, BaseView):
    """A page of one's own account. It needs a login, but no role.

    `for_everybody` holds the names of the methods that need no login, such as those behind links in e-mails.
    """

    for_everybody: ClassVar[frozenset[str]] = frozenset()

    @before_request
    def _require_login(self) -> BaseResponse | None:
        name = (request.endpoint or "").rpartition(".")[2]
        if current_user.is_authenticated or name in self.for_everybody:
            return None
        response: BaseResponse = self.appbuilder.sm.lm.unauthorized()
        return response
