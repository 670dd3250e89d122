"""A practice system that calls the API of the test host."""

from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_plugin.storage import api_keys
from portal_plugin.storage.api_keys import Scope
from tests.support import Host

API = "/portal/api/v1"
MAYA = {"id": "maya", "name": "Maya Lindqvist", "email": "maya@example.org", "phone": "+1 212 555 0187"}
WANTED: dict[str, Any] = {
    "type": "visit",
    "contact": "in-person",
    "location": "main",
    "starts": "2026-12-08T15:00:00Z",
    "client": MAYA,
}
"""Tuesday, 10:00 in New York, with Ada."""
PROBLEM = "application/problem+json"


@dataclass
class System:
    """Calls with a key. `headers` go along with each call."""

    client: FlaskClient
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, *, once: str | None = None) -> TestResponse:
        """`once` is the Idempotency-Key."""
        given = {"json": body} if body is not None else {}
        return self.call("POST", path, headers={} if once is None else {"Idempotency-Key": once}, **given)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.key}"} | self.headers | (headers or {})
        return self.client.open(API + path, method=method, headers=sent, **more)

    def make(self, how: str = "requests", **changed: Any) -> str:
        """The reference of a new appointment."""
        answer = self.post(f"/{how}", WANTED | changed)
        assert answer.status_code == 201, answer.text
        return str(answer.json["ref"])


def make_key(host: Host, *scopes: Scope, name: str = "Front desk") -> str:
    with host.app.app_context():
        return api_keys.create(host.state.db, name, scopes or tuple(Scope), host.clock())[1]


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The refusal, which has to be this one and in the form that every refusal has."""
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM), answer.text
    told: dict[str, Any] = answer.json
    assert (told["status"], told["code"]) == (status, code), answer.text
    assert told["title"]
    assert told["detail"]
    return told
