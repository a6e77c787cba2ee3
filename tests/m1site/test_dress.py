"""One dress for the pages and the admin, nothing of it from elsewhere, and pictures as the documentation shows them."""

import re
from pathlib import Path

import pytest

from tests.screens import chosen

STATIC = Path("m1site/static/m1")
PAGES, ADMIN = (STATIC / "m1.css").read_text(), (STATIC / "admin.css").read_text()
SAME = {"accent": "blue", "accent-strong": "blue-strong", "accent-wash": "blue-wash"}
MOST_BYTES = 2_500_000


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", text))


def test_the_admin_has_the_colours_of_the_pages_in_light_and_dark() -> None:
    light, dark = (colours(part) for part in PAGES.split("prefers-color-scheme: dark", 1))
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", ADMIN)
    assert {name: (one, other) for name, one, other in pairs} == {
        SAME.get(name, name): (light[name], dark[name]) for name in light
    }


@pytest.mark.parametrize("text", [PAGES, ADMIN], ids=["pages", "admin"])
def test_a_style_sheet_asks_for_nothing_but_the_fonts_beside_it(text: str) -> None:
    asked = re.findall(r"url\(\"?([^)\"]+)\"?\)|@import", text)
    assert asked
    assert all((STATIC / one).is_file() for one in asked), asked


def test_the_page_of_screens_shows_each_picture_and_there_are_no_others() -> None:
    assert chosen.PAGE.read_text() == chosen.page()
    files = list(chosen.FOLDER.iterdir())
    assert {file.stem for file in files} == chosen.names()
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
