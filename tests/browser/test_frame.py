"""The frame when there is much to show: many chapters, many pictures behind one panel's tabs."""

from dataclasses import replace
from typing import Any

import pytest

from dashboards import shell
from dashboards.pages import Page, Panel
from dashboards.pages.attention import ATTENTION
from dashboards.pages.overview import OVERVIEW
from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

VIEWS = ("attention_heads", "attention_matrix", "attention_lines", "parameters")
PARTS = ("Language models", "Pictures", "Networks")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fourteen chapters; the attention page has four pictures in a narrow panel and in a wide one."""
    crowded = replace(
        ATTENTION, panels=(Panel(VIEWS, columns=4), Panel(("sites", "network"), columns=8)), clicks={}
    )
    further = [
        Page(f"more-{'abcdefghijkl'[at]}", "Same word, two senses" if at == 4 else f"One more {at}", "Why?",
             panels=OVERVIEW.panels, part=PARTS[at // 4])
        for at in range(12)
    ]  # fmt: skip
    monkeypatch.setattr(shell, "PAGES", (OVERVIEW, crowded, *further))


def clipped(window: Any) -> list[str]:
    found: list[str] = window.page.evaluate(
        """() => [...document.querySelectorAll(
                '.tab-title, .tab-list input, .nav-link, .nav-part, .panel-head .button')]
            .filter(one => one.offsetParent !== null && getComputedStyle(one).visibility === 'visible')
            .filter(one => { const box = one.getBoundingClientRect(), frame = one.closest('.panel, .nav')
                .getBoundingClientRect(); return box.right > frame.right + 1 || box.left < frame.left - 1
                || box.bottom > frame.bottom + 1 || one.scrollWidth > one.clientWidth + 1; })
            .map(one => one.textContent || one.value)"""
    )
    return found


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (390, 844)])
def test_many_chapters_and_tabs_fit(visit: Open, width: int, height: int) -> None:
    window = visit(width, height).go("/reader/attention?theme=light")
    if width > 760:  # on a phone the chapters are a row that scrolls
        assert clipped(window) == []
        rooms = "(nav => [nav.scrollHeight, nav.clientHeight])(document.querySelector('.nav'))"
        needed, there = window.page.evaluate(rooms)
        assert needed <= there
        assert window.page.locator(".nav-part").count() == 3
    assert window.page.locator(".nav-link").count() == 14
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.usefixtures("many")
def test_titles_that_do_not_fit_become_a_list(visit: Open) -> None:
    window = visit(1280, 720).go("/reader/attention?theme=light")
    assert window.page.get_by_role("tab", name="Network").is_visible(), "two short titles stand side by side"
    assert window.page.get_by_role("tab").count() == 2, "four long ones do not"
    window.page.locator("[data-panel=attention_heads]").get_by_role("textbox", name="Which picture").click()
    window.page.get_by_role("option", name="Parameters").click()
    window.drawn()
    assert window.page.locator("#view-parameters").is_visible()
    assert not window.page.locator("#view-attention_heads").is_visible()
    assert "tab.attention_heads=parameters" in window.link


@pytest.mark.usefixtures("many")
def test_arrow_keys_walk_along_the_tabs(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light")
    window.page.get_by_role("tab", name="Network").focus()
    window.page.keyboard.press("ArrowLeft")
    window.until("() => !document.getElementById('view-sites').hidden")
    chosen = window.page.locator('[data-panel=sites] [aria-selected="true"]')
    assert chosen.get_attribute("data-tab") == "sites"
    assert window.page.locator("#view-network").is_hidden()
    window.drawn()
