"""A person or a program at M1's door, over real HTTP: signed in with a session, or with an API key."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

SECONDS = 30
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back, after redirects."""

    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass
class Visitor:
    """Somebody's browser without a screen, or their program.

    key     an API key; without one, `sign_in` first
    heard   every body that M1 ever sent to anyone who shares the list
    """

    url: str
    key: str = field(default="", repr=False)
    heard: list[str] = field(default_factory=list, repr=False)
    cookies: CookieJar = field(default_factory=CookieJar, repr=False)

    def sign_in(self, name: str, password: str) -> Answer:
        """Fill in the sign-in page; return the page that follows."""
        token = _CSRF.search(self.get("/accounts/login/").text)
        form = {"login": name, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        return self.send("POST", "/accounts/login/", urlencode(form).encode())

    def get(self, path: str) -> Answer:
        """GET; `/…` is a page, anything else is REST."""
        return self.send("GET", path)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """POST a value to REST, as JSON."""
        headers |= {"Content_Type": "application/json", "X_CSRFToken": self._csrf()}
        return self.send("POST", path, json.dumps(body).encode(), **headers)

    def send(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Answer:
        """Send a request as it is; underscores in names of headers are hyphens."""
        address = self.url + (path if path.startswith("/") else f"/api/m1/{path}")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            named["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(address, data, named, method=method)  # noqa: S310 - our own server
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return self._hear(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return self._hear(refusal)

    def _hear(self, answer: HTTPResponse | urllib.error.HTTPError) -> Answer:
        text = answer.read().decode()
        self.heard.append(f"{answer.headers}\n{text}")
        return Answer(answer.status or 0, answer.headers, text)

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")
