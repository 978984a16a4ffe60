"""Who may see a page: the bases of pages about oneself, and of sensitive ones."""

from typing import ClassVar

from flask import request
from flask_appbuilder.hooks import before_request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.login import service as login_service
from app.crud.views import BaseView
from app.extensions import appbuilder_of


class ReauthenticationRequired:
    """A view of which some pages are shown only to somebody who has just proved who they are.

    `fresh` holds the names of their methods.
    """

    fresh: ClassVar[frozenset[str]] = frozenset()

    @before_request
    def _ask_again(self) -> BaseResponse | None:
        name = (request.endpoint or "").rpartition(".")[2]
        if name not in self.fresh or not current_user.is_authenticated or login_service.is_fresh():
            return None
        answer: BaseResponse = appbuilder_of().sm.auth_view.ask_again()
        return answer


class AccountView(ReauthenticationRequired, BaseView):
    """A view in which whoever is logged in sees to their own account. No role is needed for that.

    `for_everybody` holds the names of the methods that need no login, such as those behind links in letters.
    """

    for_everybody: ClassVar[frozenset[str]] = frozenset()

    @before_request
    def _ask_for_login(self) -> BaseResponse | None:
        name = (request.endpoint or "").rpartition(".")[2]
        if current_user.is_authenticated or name in self.for_everybody:
            return None
        answer: BaseResponse = self.appbuilder.sm.lm.unauthorized()
        return answer
