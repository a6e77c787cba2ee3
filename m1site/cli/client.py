"""Calls to M1's REST interface, and its refusals as exit codes."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import click
import httpx2

from m1site.cli.config import Login, load
from policy.reveal import reveal

BAD_INPUT = frozenset({400, 404, 405, 406, 413, 415})
NO_CONTENT = 204
SECONDS, LONG_SECONDS = 30.0, 300.0


class RefusedError(click.ClickException):
    """M1 said no, or could not be asked."""

    def __init__(self, message: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(reveal(message))
        self.problem = problem or {}


class BadInputError(RefusedError):
    """What was asked makes no sense to M1."""

    exit_code = 2


class Api:
    """M1 as the holder of an API key sees it."""

    def __init__(self, login: Login | None = None) -> None:
        login = login or load()
        headers = {"Authorization": f"Bearer {login.key}", "M1-Surface": "cli", "User-Agent": "m1-cli"}
        self.url = login.url
        self._client = httpx2.Client(base_url=f"{login.url}/api/m1/", headers=headers, timeout=SECONDS)
        click.get_current_context().call_on_close(self._client.close)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read one thing, or one page of a list."""
        return self._send("GET", path, params=query)

    def every(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Read a list to its end."""
        page = self.get(path, limit="200", **query)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            cursor = httpx2.URL(page["next"]).params["cursor"]
            page = self.get(path, limit="200", cursor=cursor, **query)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something to be done, once."""
        return self._send("POST", path, json=body, headers={"Idempotency-Key": str(uuid4())})

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have a question answered that changes nothing, though it may take a while."""
        return self._send("POST", path, json=body, timeout=LONG_SECONDS)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have something say what the body says."""
        return self._send("PUT", path, json=body, timeout=LONG_SECONDS)

    def delete(self, path: str) -> None:
        """Have something ended."""
        self._send("DELETE", path)

    def _send(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **what)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise RefusedError(f"M1 cannot be reached at {self.url}: {exc}") from exc
        except ValueError as exc:  # what a shell hands over need not be text
            raise BadInputError(f"This cannot be sent: {exc}") from exc
        found = {} if answer.status_code == NO_CONTENT else _json(answer)
        if not answer.is_success or found is None:
            raise _refusal(answer, found or {})
        return found


def _json(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def listed(found: Mapping[str, Any]) -> list[str]:
    """Return, a line each, what is wrong with a policy: places in its text, findings of lint, failing test cases."""
    places = [one for one in found.get("errors", ()) if "line" in one]
    lines = [f"line {one['line']}, {one['field']}: {one['problem']}" for one in places]
    for one in found.get("findings", ()):
        lines.append(f"{'error' if one['isError'] else 'warning'}: {one['where']}: {one['problem']}")
    return lines + [f"failed: test {one['case']}: {one['problem']}" for one in found.get("failures", ())]


def _refusal(answer: httpx2.Response, problem: dict[str, Any]) -> RefusedError:
    detail = str(problem.get("detail") or f"M1 answered {answer.status_code} {answer.reason_phrase}.")
    if lines := listed(problem):
        detail = "\n  ".join([f"{detail.partition(': ')[0]}:", *lines])
    kind = BadInputError if answer.status_code in BAD_INPUT else RefusedError
    return kind(detail, problem)
