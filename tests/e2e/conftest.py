"""M1 in real processes, and people in front of real browsers."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from m1site.accounts.models import User
from tests.e2e.watch import Watch
from tests.effects_server import EffectsServer
from tests.processes import Processes, own_database, running
from tests.world import World, make_world

SECONDS = 15
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
Enter = Callable[..., Page]
expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def effects() -> Iterator[EffectsServer]:
    with EffectsServer() as server:
        yield server


@pytest.fixture(scope="session")
def m1(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, effects: EffectsServer
) -> Iterator[Processes]:
    database = own_database()
    with running(request.config, tmp_path_factory.mktemp("m1"), database, effects=effects.url, model={}) as processes:
        yield processes


@pytest.fixture
def watch(m1: Processes) -> Iterator[Watch]:
    """Whatever the browsers have to tell; the test fails at its end for any of it."""
    watch = Watch(m1.facts.url)
    yield watch
    assert watch.problems == []


@dataclass(frozen=True)
class Door:
    """Where people come in, each with a browser of their own."""

    m1: Processes
    watch: Watch
    new_context: Callable[..., BrowserContext]

    def open(self, size: dict[str, Any] = WIDE, *, script: bool = True) -> Page:
        """Return a page of a new browser context, with nobody signed in."""
        context = self.new_context(**size, base_url=self.m1.facts.url, java_script_enabled=script)
        context.set_default_timeout(SECONDS * 1000)
        self.watch.look_at(context, script=script)
        return context.new_page()

    def enter(self, name: str, size: dict[str, Any] = WIDE, *, script: bool = True) -> Page:
        """Return a page of a new browser context, after a sign-in by its form."""
        page = self.open(size, script=script)
        page.goto("/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(self.m1.told["passwords"][name])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
        return page

    def known(self, name: str, size: dict[str, Any] = WIDE, *, script: bool = True) -> Page:
        """Return a page of a new browser context with the session of somebody who signed in before."""
        page = self.open(size, script=script)
        cookies = self.m1.signed_in(name).cookies
        page.context.add_cookies(
            [{"name": one.name, "value": one.value or "", "url": self.m1.facts.url} for one in cookies]
        )
        page.goto("/")
        return page


@pytest.fixture
def door(m1: Processes, watch: Watch, new_context: Callable[..., BrowserContext]) -> Door:
    return Door(m1, watch, new_context)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def enter(live_server: object, new_context: Callable[..., BrowserContext]) -> Iterator[Enter]:
    """Opens browsers in which somebody is signed in; whatever one of them has to tell of fails the test."""
    watch = Watch(str(live_server))

    def page_of(user: User, *, phone: bool = False, script: bool = True, expected: Collection[str] = ()) -> Page:
        watch.expected.update(expected)
        client = Client()
        client.force_login(user)
        context = new_context(**(PHONE if phone else WIDE), java_script_enabled=script, base_url=str(live_server))
        watch.look_at(context, script=script)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": watch.origin}])
        return context.new_page()

    yield page_of
    assert watch.problems == []
