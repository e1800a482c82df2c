"""A translation walked as a person walks it: back, play, a click on a row; none of it asks the server."""

from typing import Any

import pytest

from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PLOT = "document.querySelector('#view-translation_steps .js-plotly-plot')"


def test_it_is_walked_step_by_step_without_asking_the_server(visit: Open) -> None:
    window = visit().go("/interpreter/encoder-decoder?theme=light")
    asked: list[str] = []

    def heard(sent: Any) -> None:
        if not sent.url.endswith("/assets/icon.svg"):
            asked.append(sent.url)

    window.page.on("request", heard)

    def at(step: int) -> None:
        window.until(f"() => Number({PLOT}.dataset.step) === {step}")
        window.page.wait_for_timeout(150)

    def seen() -> tuple[int, str]:
        rows: int = window.page.evaluate(
            f"() => {PLOT}._fullData[0].z.filter(row => Array.from(row).some(one => !isNaN(one))).length"
        )
        return rows, str(window.page.evaluate(f"() => {PLOT}._fullData[2].text[0]"))

    last = int(window.page.get_by_role("slider", name="Step").get_attribute("aria-valuemax"))
    at(last)
    assert seen()[0] == last + 1
    window.page.get_by_role("button", name="One step back").click()
    at(last - 1)
    rows, words = seen()
    assert rows == last
    slider = window.page.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("Home")
    at(0)
    assert seen()[0] == 1
    assert len(seen()[1]) < len(words)
    window.page.get_by_role("button", name="Play", exact=True).click()
    at(last)
    assert seen()[0] == last + 1
    x, y = window.page.evaluate(
        f"""() => {{ const plot = {PLOT}, box = plot.getBoundingClientRect(), {{ xaxis, yaxis }} =
            plot._fullLayout;
            return [box.left + xaxis._offset + xaxis.d2p(0), box.top + yaxis._offset + yaxis.d2p(1)]; }}"""
    )
    window.page.mouse.move(x - 4, y)
    window.page.mouse.move(x, y)
    window.page.wait_for_selector("#view-translation_steps .hoverlayer .hovertext")
    window.page.mouse.click(x, y)
    at(1)
    assert "step=1" in window.link
    assert asked == []
