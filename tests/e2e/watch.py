"""What a browser must never have to tell of M1's pages: a broken rule, an error, a dialog, a request to elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, Response, WebError

POLICY = {"default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "object-src 'none'"}
REPORT = """document.addEventListener("securitypolicyviolation", (event) =>
  window.m1Violation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));"""
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


@dataclass
class Watch:
    """Looks over the shoulder of every browser context that it is given.

    expected   statuses of answers that the test asks for: the browser calls them errors
    """

    origin: str
    expected: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def look_at(self, context: BrowserContext, *, script: bool = True) -> None:
        """Write down what goes wrong in the context from now on."""
        if script:
            context.expose_binding("m1Violation", lambda _, told: self.problems.append(f"violation: {told}"))
            context.add_init_script(REPORT)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        refused = _REFUSED.match(message.text)
        if message.type in ("error", "warning") and not (refused and refused[1] in self.expected):
            self.problems.append(f"console: {message.text} ({message.location})")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if f"{address.scheme}://{address.netloc}" != self.origin:
            self.problems.append(f"request to elsewhere: {request.url}")

    def _response(self, response: Response) -> None:
        if response.headers.get("content-type", "").startswith("text/html"):
            policy = {part.strip() for part in response.headers.get("content-security-policy", "").split(";")}
            if policy != POLICY or response.headers.get("x-frame-options") != "DENY":
                self.problems.append(f"headers of {response.url}: {response.headers}")


class Inline(HTMLParser):
    """Collects what a page has inline: scripts, styles, handlers, addresses that are scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        given = dict(attrs)
        is_code = given.get("type", "text/javascript") != "application/json"
        if tag == "style" or (tag == "script" and is_code and not given.get("src")):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            is_script = (value or "").strip().lower().startswith(("javascript:", "data:", "vbscript:"))
            if name == "style" or name.startswith("on") or is_script:
                self.found.append(f"<{tag} {name}={value}>")
