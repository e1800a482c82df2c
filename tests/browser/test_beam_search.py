"""Beam search walked as a person walks it: step, play, back, other beams; scrubbing asks nobody."""

from typing import Any

import pytest

from tests.browser.conftest import Open, Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LINK = "/speaker/beam-search?prompt=the%20cat&max_new=8&theme=light"
STEP = "Number(document.querySelector('#view-beam_tree .js-plotly-plot').dataset.step)"


def edges(window: Visit) -> int:
    """How many edges are drawn, greedy's apart."""
    found: int = window.page.evaluate(
        """() => document.querySelector('#view-beam_tree .js-plotly-plot')._fullData
            .filter(one => ['pruned', 'goes on, or finished', 'chosen'].includes(one.name))
            .reduce((sum, one) => sum + Math.floor(one.x.length / 4), 0)"""
    )
    return found


def listened(window: Visit) -> list[str]:
    """What is asked from now on, apart from the sign in the browser's tab, which it asks for by itself."""
    asked: list[str] = []

    def heard(sent: Any) -> None:
        if not sent.url.endswith("/assets/icon.svg"):
            asked.append(sent.url)

    window.page.on("request", heard)
    return asked


def at(window: Visit, step: int) -> None:
    window.until(f"() => {STEP} === {step}")


def test_step_by_step_and_back_without_asking_the_server(visit: Open) -> None:
    window = visit().go(LINK)
    at(window, 8)
    assert window.page.get_by_role("slider", name="Step").get_attribute("aria-valuemax") == "8"
    whole, asked = edges(window), listened(window)
    for step in (7, 6, 5):
        window.page.get_by_role("button", name="One step back").click()
        at(window, step)
    window.page.wait_for_timeout(200)
    assert edges(window) < whole
    assert "step=5" in window.link
    slider = window.page.get_by_role("slider", name="Step")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowLeft")
    at(window, 0)
    window.page.wait_for_timeout(200)
    assert edges(window) == 0
    window.page.get_by_role("button", name="One step on").click()
    at(window, 1)
    assert asked == []


def test_it_plays_to_the_end_and_can_be_paused(visit: Open) -> None:
    window = visit().go(LINK)
    at(window, 8)
    asked = listened(window)
    play = window.page.get_by_role("button", name="Play", exact=True)
    play.click()
    at(window, 2)
    window.page.get_by_role("button", name="Pause").click()
    here = window.page.evaluate(STEP)
    window.page.wait_for_timeout(900)
    assert window.page.evaluate(STEP) == here
    play.click()
    at(window, 8)
    play.wait_for(state="visible", timeout=3000)
    assert asked == []


def test_other_beams_make_another_tree_and_a_link_brings_it_back(visit: Open) -> None:
    window = visit().go(LINK)
    at(window, 8)
    before = edges(window)
    slider = window.page.get_by_role("slider", name="Beams")
    slider.focus()
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    window.until(
        "() => document.querySelector('#view-beam_tree .js-plotly-plot')"
        ".layout.meta.genviz.controls.beams === 2"
    )
    window.drawn()
    assert edges(window) < before
    window.page.get_by_role("button", name="One step back").click()
    at(window, 7)
    window.until("() => location.search.includes('step=7')")
    again = visit().go(window.link)
    at(again, 7)
    assert again.controls("beam_tree")["beams"] == 2
    assert again.page.get_by_role("slider", name="Step").get_attribute("aria-valuenow") == "7"


def test_what_is_kept_for_the_slides_is_the_step_that_is_seen(visit: Open) -> None:
    window = visit().go(LINK)
    at(window, 8)
    window.page.get_by_role("button", name="One step back").click()
    at(window, 7)
    window.page.get_by_role("button", name="Add to slides").click()
    window.until("() => document.getElementById('toast').classList.contains('shown')")
    assert window.page.evaluate("window.genviz.stateOf('beam_tree').values.step") == "7"
