"""Base classes of views that need a login, or a fresh one."""

from typing import ClassVar

from flask import request
from flask_appbuilder.hooks import before_request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView, ReauthenticationRequired


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
