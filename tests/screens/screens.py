"""The table of screens: who opens what, and what they do there before one looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.screens.content import Content

Act = Callable[[Page], object]


@dataclass(frozen=True)
class Screen:
    """One screen as somebody sees it.

    who    the person who has signed in; "" is nobody
    path   the address; {refund} stands for the page of the call of that name, {run:done} for that of a run
    act    what is done on the page first
    """

    name: str
    who: str
    path: str
    act: Act | None = None


def opening(*selectors: str) -> Act:
    """Return the act of opening folded parts, one after the other."""

    def act(page: Page) -> None:
        page.wait_for_selector("html[data-ready]", state="attached")  # a page that has just changed takes no click
        for selector in selectors:
            page.locator(selector).first.click()

    return act


def following(name: str) -> Act:
    """Return the act of following a link."""

    def act(page: Page) -> None:
        page.get_by_role("link", name=name, exact=True).first.click()
        page.wait_for_load_state()

    return act


def pressing(key: str) -> Act:
    """Return the act of pressing a single key."""

    def act(page: Page) -> None:
        page.wait_for_selector("html[data-ready]", state="attached")
        page.keyboard.press(key)

    return act


def sending(button: str) -> Act:
    """Return the act of sending a form as it stands, whatever the browser thinks of its fields."""

    def act(page: Page) -> None:
        page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
        page.get_by_role("button", name=button, exact=True).first.click()
        page.wait_for_load_state()

    return act


def choosing(action: str, rows: int = 3) -> Act:
    """Return the act of choosing the first rows of an admin list and going to what confirms an action on them."""

    def act(page: Page) -> None:
        for row in range(rows):
            page.locator("input.action-select").nth(row).check()
        page.locator("select[name=action]").first.select_option(action)
        page.locator(".actions button[name=index], .actions button[type=submit]").first.click()
        page.wait_for_load_state()

    return act


PAGES = [
    Screen("inbox", "ava", "/"),
    Screen("inbox-empty", "new", "/"),
    Screen("inbox-narrowed", "ava", "/?tool=files.write&risk=critical"),
    Screen("inbox-keys", "ava", "/", pressing("?")),
    Screen("batch", "ava", "/batch/?call={id:write}&call={id:rtl}"),
    Screen("alike", "ava", "/?like={id:alike}"),
    Screen("approval", "ava", "{refund}"),
    Screen("approval-diff", "ava", "{write}"),
    Screen("approval-mail", "ava", "{email.send}"),
    Screen("approval-reject", "ava", "{email.send}", opening("#reject-fold > summary")),
    Screen("approval-hostile", "ava", "{hostile}"),
    Screen("approval-rtl", "ava", "{rtl}"),
    Screen("approval-long", "ava", "{long}"),
    Screen("approval-edited", "sam", "{edited}"),
    Screen("approval-halted", "ava", "{halted}"),
    Screen("approval-glass", "ava", "{glass}"),
    Screen("approval-own", "riley", "{write}"),
    Screen("approval-done", "ava", "{done}"),
    Screen("approval-lost", "sam", "{lost}"),
    Screen("approval-running", "riley", "{running}"),
    Screen("approval-failed", "ava", "{failed}"),
    Screen("approval-denied", "ava", "{denied}"),
    Screen("edit", "ava", "{write}edit/"),
    Screen("runs", "ava", "/runs/"),
    Screen("runs-empty", "new", "/runs/"),
    Screen("run", "ava", "{run:done}"),
    Screen("run-waiting", "riley", "{run:open}", opening("#cancel-fold > summary")),
    Screen("run-new", "riley", "/runs/new/"),
    Screen("run-new-wrong", "riley", "/runs/new/", sending("Start the run")),
    Screen("preauthorizations", "ava", "/preauthorizations/"),
    Screen("preauthorization-new", "ava", "/preauthorizations/", opening("#issue-fold > summary")),
    Screen("halts", "omar", "/halts/", opening("#halt-fold > summary")),
    Screen("away", "olga", "/away/"),
    Screen("away-new", "ava", "/away/", opening("#away-fold > summary")),
]
ACCOUNT = [
    Screen("sign-in", "", "/accounts/login/"),
    Screen("sign-in-wrong", "", "/accounts/login/", sending("Sign in")),
    Screen("password-reset", "", "/accounts/password/reset/"),
    Screen("inactive", "", "/accounts/inactive/"),
    Screen("security", "ava", "/accounts/"),
    Screen("keys", "ava", "/accounts/keys/"),
    Screen("sessions", "ava", "/accounts/sessions/"),
    Screen("password", "ava", "/accounts/password/change/"),
    Screen("password-wrong", "ava", "/accounts/password/change/", sending("Change it")),
    Screen("confirm", "ava", "/accounts/confirm/?next=/runs/"),
    Screen("missing", "ava", "/nowhere/"),
]
ADMIN = [
    Screen("admin", "ava", "/admin/"),
    Screen("admin-calls", "ava", "/admin/agents/toolcall/"),
    Screen("admin-call", "ava", "/admin/agents/toolcall/{id:refund}/change/"),
    Screen("admin-decide", "ava", "/admin/agents/toolcall/?status__exact=pending", choosing("approve")),
    Screen("admin-runs", "ava", "/admin/agents/agentrun/"),
    Screen("admin-decisions", "ava", "/admin/agents/decision/"),
    Screen("admin-events", "ava", "/admin/audit/auditevent/"),
    Screen("admin-tokens", "ava", "/admin/policy/approvaltoken/"),
    Screen("admin-versions", "ava", "/admin/policy/policyversion/"),
    Screen("admin-rules", "ava", "/admin/policy/rule/"),
    Screen("admin-rule", "ava", "/admin/policy/rule/", following("mail-stays-inside")),
    Screen("admin-rule-new", "ava", "/admin/policy/rule/add/"),
    Screen("admin-draft", "ava", "/admin/policy/draft/"),
    Screen("admin-agent-new", "ava", "/admin/agents/agent/add/"),
    Screen("admin-agent-wrong", "ava", "/admin/agents/agent/add/", sending("Save")),
    Screen("admin-user", "ava", "/admin/accounts/user/{person:sam}/change/"),
    Screen("admin-users", "ava", "/admin/accounts/user/"),
    Screen("admin-notifications", "ava", "/admin/agents/notification/"),
    Screen("admin-halt", "ava", "/admin/agents/halt/add/"),
    Screen("admin-oversight", "ava", "/admin/oversight/"),
    Screen("admin-none", "ava", "/admin/policy/ruletest/"),
    Screen("admin-agent", "ava", "/admin/agents/agent/{agent:demo}/change/"),
]


def address(screen: Screen, content: Content) -> str:
    """Return the path of the screen with its names filled in."""
    path = screen.path
    for name, key in _keys(content):
        path = path.replace("{" + name + "}", key)
    return path


def _keys(content: Content) -> Iterator[tuple[str, str]]:
    for name, call in content.calls.items():
        yield name, f"/approvals/{call.pk}/"
        yield f"id:{name}", str(call.pk)
    for name, run in content.runs.items():
        yield f"run:{name}", f"/runs/{run.pk}/"
    for name, person in content.people.items():
        yield f"person:{name}", str(person.pk)
    yield "agent:demo", str(content.calls["done"].run.agent_id)
