"""The cookie that a session is kept in: signed, as old as it may be, and none of the API's business."""

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature

from app.http import is_api


class Sessions(SecureCookieSessionInterface):
    """Reads what we have signed, whenever that was: how long somebody stays logged in is said by the login's own row.

    The age in the signature would throw people out wherever one of our machines is a second ahead of the other.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds, or an empty session."""
        serializer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not cookie:
            return self.session_class()
        try:
            return self.session_class(serializer.loads(cookie))
        except BadSignature:
            return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie where something in it has changed; an API sets none."""
        if not is_api(request.path):
            super().save_session(app, session, response)
