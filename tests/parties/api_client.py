"""An API client of a member, with an API key and without cookies."""

from app.accounts.api_keys import service as api_key_service
from app.accounts.models import Member
from app.database import transaction
from app.extensions import db

API = "/api/v1/parties"


class ApiClient:
    """Sends requests of a member; `path` follows the URL of the API."""

    def __init__(self, app, member, scope=api_key_service.KeyScope.READ_AND_WRITE, base=API):
        self.client, self.base = app.test_client(use_cookies=False), base
        with app.app_context(), transaction():
            self.key = api_key_service.create(db.session.get(Member, member.id), "A program", scope).secret

    def ask(self, method, path="", body=None, *, status=None, headers=None):
        """Send a request and return the response; with `status`, return its JSON and fail on another status."""
        told = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        answer = self.client.open(self.base + path, method=method, json=body, headers=told)
        if status is None:
            return answer
        assert answer.status_code == status, (answer.status_code, answer.get_json())
        return answer.get_json()

    def get(self, path="", status=200):
        return self.ask("GET", path, status=status)

    def post(self, path="", body=None, status=200, **more):
        return self.ask("POST", path, body, status=status, **more)

    def put(self, path, body, status=200):
        return self.ask("PUT", path, body, status=status)

    def patch(self, path, body, status=200):
        return self.ask("PATCH", path, body, status=status)

    def delete(self, path, status=200):
        return self.ask("DELETE", path, status=status)
