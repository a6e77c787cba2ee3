"""Every screen, wide, narrow and in the dark: axe finds no barrier that matters, and nothing hangs over the edge."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.screens import chosen
from tests.screens.camera import Camera, View
from tests.screens.content import fill
from tests.screens.screens import ACCOUNT, ADMIN, PAGES

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("M1_TEST_SHOTS", "")  # a folder for pictures of every screen
DOCS = os.environ.get("M1_TEST_DOCS", "")  # set: those of the documentation are taken anew
LONG = bool(SHOTS or DOCS)  # axe looks at narrow screens as well, which are the wide ones in another order
ONLY = os.environ.get("M1_TEST_SCREENS", "").split(",")
MATTERS = ("serious", "critical")
AXE = Axe()
OPTIONS: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
WHERE = {"exclude": [[".selector-filter .help-tooltip"]]}  # Django's own script makes it, and its field has a name
SMALL = """[...document.querySelectorAll("button, .button, input, select, textarea, summary, .top a, .row a")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 1)
  .filter((one) => (one.closest("label") ?? one).getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 120))"""
OVER_THE_EDGE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def camera(browser: Browser, live_server: LiveServer, tmp_path: Path) -> Camera:
    dark = ("wide", "narrow") if LONG else ("wide",)  # between the schemes only colours differ
    return Camera(browser, live_server.url, fill(tmp_path), dark)


@pytest.mark.parametrize("screens", [PAGES, ACCOUNT, ADMIN], ids=["pages", "account", "admin"])
def test_every_screen_is_without_barriers(camera: Camera, screens: list[Any]) -> None:
    wanted = [one for one in screens if ONLY == [""] or one.name in ONLY]
    found = [line for view in camera.views(wanted) for line in problems(view)]
    assert found == []


def problems(view: View) -> list[str]:
    """Return what is wrong with a screen, a line for each; photograph it where that was asked for."""
    if SHOTS and "-zoomed-" not in view.name:
        view.photograph(Path(SHOTS))
    if DOCS and view.name in chosen.names():
        view.picture(chosen.FOLDER)
    too_wide = view.page.evaluate(OVER_THE_EDGE)
    small = view.page.evaluate(SMALL) if "-narrow-" in view.name and "/admin/" not in view.page.url else []
    edge = [f"{view.name}: {too_wide} px over the edge"] if too_wide > 0 else []
    edge += [f"{view.name}: less than 44 px high: {one}" for one in small]
    if "-zoomed-" in view.name or ("-narrow-" in view.name and not LONG):
        return edge
    return edge + [f"{view.name}: {line}" for line in barriers(view)]


def barriers(view: View) -> list[str]:
    """Return what axe finds that matters."""
    found: Mapping[str, Any] = AXE.run(view.page, context=WHERE, options=OPTIONS[view.name.rpartition("-")[2]]).response
    rows = [one for one in found["violations"] if one["impact"] in MATTERS]
    return [f"{one['id']}: {node['html'][:200]}" for one in rows for node in one["nodes"]]
