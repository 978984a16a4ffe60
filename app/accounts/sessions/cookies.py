"""The session cookie: signed, without an age of its own, and not used by the API."""

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature

from app.http import is_api


class Sessions(SecureCookieSessionInterface):
    """Accepts signed cookies of any age: the row of the login session decides how long a login lasts.

    The age in the signature would log members out when the clocks of two machines differ by a second.
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
        """Set the cookie when the session has changed. The API sets none."""
        if not is_api(request.path):
            super().save_session(app, session, response)
