"""A client of M1's REST interface for tests, by API key or by session, and what its problems must look like."""

import json
from typing import Any

from django.db import connection
from django.test import Client

from m1site.accounts import api_keys
from m1site.accounts.models import User

ALL = api_keys.SCOPES


class Rest:
    """Calls /api/m1/ as somebody; `None` is nobody."""

    def __init__(self, user: User | None = None, *, scopes: tuple[str, ...] = ALL) -> None:
        self.headers: dict[str, str] = {}
        self.client = Client(raise_request_exception=False)
        if user is not None:
            self.key, self.plain = api_keys.create(user, name="tests", scopes=scopes, days=1)
            self.headers["Authorization"] = f"Bearer {self.plain}"

    def get(self, path: str, **headers: str) -> Any:
        """GET."""
        return self.client.get(f"/api/m1/{path}", headers=self.headers | headers)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """POST a value as JSON."""
        return self.raw("POST", path, json.dumps({} if body is None else body).encode(), **headers)

    def raw(self, method: str, path: str, data: bytes, content_type: str = "application/json", **headers: str) -> Any:
        """Send bytes as they are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, f"/api/m1/{path}", data, content_type, headers=self.headers | named)


def assert_problem(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """Return the problem document of a refusal, after checking what every one of them must have (RFC 9457)."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    problem: dict[str, Any] = json.loads(response.content)
    assert problem["status"] == status
    assert problem.keys() - {"errors", "findings", "failures"} == {"type", "title", "status", "detail", "code"}
    assert problem["title"] and problem["detail"] and "Traceback" not in problem["detail"]
    if code is not None:
        assert problem["code"] == code, problem
    return problem


def counts() -> dict[str, int]:
    """Return the number of rows of every table, to compare before and after."""
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            found[table] = cursor.fetchone()[0]
    return found
