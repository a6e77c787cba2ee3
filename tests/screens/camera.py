"""A browser that goes through the screens at every size and in both schemes."""

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from m1site.accounts.models import User
from tests.screens.content import Content
from tests.screens.screens import Screen, address

Scheme = Literal["light", "dark"]
# The last is what is left of the first when a person has zoomed to 200 %.
SIZES = {"wide": (1280, 860), "narrow": (390, 844), "zoomed": (640, 430)}
QUALITY = 80
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(frozen=True)
class View:
    """A page as it stands before somebody, at one size and in one scheme."""

    page: Page
    name: str

    def photograph(self, folder: Path) -> None:
        """Write the whole page into a folder, as a PNG."""
        self.page.screenshot(path=folder / f"{self.name}.png", full_page=True)

    def picture(self, folder: Path) -> None:
        """Write what one sees without scrolling into a folder, as a small WebP; Playwright itself makes none."""
        session = self.page.context.new_cdp_session(self.page)
        shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        (folder / f"{self.name}.webp").write_bytes(base64.b64decode(shot["data"]))
        session.detach()


@dataclass
class Camera:
    """Goes from screen to screen as the people who are meant to see them.

    dark   the sizes at which a screen is seen in the dark as well
    """

    browser: Browser
    url: str
    content: Content
    dark: Collection[str] = ("wide", "narrow")

    def views(self, screens: Sequence[Screen]) -> Iterator[View]:
        """Yield each screen at each size and in its schemes; a page is loaded once and then turned around."""
        for who in dict.fromkeys(screen.who for screen in screens):
            context = self._enter(who)
            for screen in screens:
                if screen.who == who:
                    yield from self._turn(context, screen)
            context.close()

    def _turn(self, context: BrowserContext, screen: Screen) -> Iterator[View]:
        page = context.new_page()
        page.goto(address(screen, self.content))
        if screen.act:
            screen.act(page)
            page.evaluate("window.scrollTo(0, 0)")
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES if size in self.dark else SCHEMES[:1]:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                yield View(page, f"{screen.name}-{size}-{scheme}")
        page.close()

    def _enter(self, who: str) -> BrowserContext:
        context = self.browser.new_context(base_url=self.url, viewport={"width": 1280, "height": 860})
        if who:
            client = Client()
            client.force_login(User.objects.get(username=who))
            cookies = [{"name": key, "value": one.value, "url": self.url} for key, one in client.cookies.items()]
            context.add_cookies(cookies)  # type: ignore[arg-type]
        return context
