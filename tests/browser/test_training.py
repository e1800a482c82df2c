"""A training on the page: the clock moves every picture without asking the server, then the link follows."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.server import Server, start
from tests.browser.conftest import Visit, complaint
from tests.dashboards.subjects import trained_ones

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TRAINING, MASKED = "/student/training", "/guesser/masked-words"
_PLOT = "document.querySelector('#view-training_%s .js-plotly-plot')._fullData[0].x"
HAND = "() => %s[0]" % (_PLOT % "loss")
FAR = "() => [...%s].map(Math.abs).reduce((a, b) => a + b)" % (_PLOT % "map")
STEP = "step => (document.querySelector('.clock-step') || {}).innerText === step[0]"


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    with start(trained_ones(), port=0) as server:
        yield server


@pytest.fixture
def visit(small: Server, chromium: Any) -> Iterator[Visit]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    here = Visit(page, small.url.rstrip("/"))
    page.on("console", lambda said: here.complaints.extend(complaint(said)))
    page.on("pageerror", lambda error: here.complaints.append(str(error)))
    yield here
    page.close()
    assert here.complaints == []


def _turn(visit: Visit, place: int) -> None:
    visit.page.evaluate(
        "place => { const slider = document.querySelector('#clock input'); slider.value = String(place);"
        " slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        place,
    )


def test_scrubbing_asks_nobody_and_the_link_follows(visit: Visit) -> None:
    visit.go(f"{TRAINING}?theme=light")
    visit.until(STEP, "step 900")
    hand, late = visit.page.evaluate(HAND), visit.page.evaluate(FAR)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    _turn(visit, 0)
    visit.until(STEP, "step 0")
    visit.until(f"before => ({HAND})() < before[0]", hand)
    assert visit.page.evaluate(FAR) < 0.5 * late, "the embeddings of this training grow tenfold"
    assert asked == []
    visit.page.click("#clock .on")
    visit.until("() => location.search.includes('checkpoint=50')")
    visit.drawn()
    visit.go(visit.link)
    visit.until(STEP, "step 50")


def test_playing_stops_at_the_last_checkpoint(visit: Visit) -> None:
    visit.go(f"{TRAINING}?theme=dark&checkpoint=0")
    visit.page.click("#clock .player-play")
    visit.until(STEP, "step 900")
    visit.until("() => document.querySelector('#clock .player-play').ariaLabel === 'Play'")


def test_a_click_hides_a_word(visit: Visit) -> None:
    visit.go(f"{MASKED}?theme=light")
    box = visit.page.locator("#view-masked_words .cartesianlayer .xy").first.bounding_box()
    assert box is not None
    visit.page.mouse.click(box["x"] + 0.02 * box["width"], box["y"] + 0.5 * box["height"])
    visit.until("() => /hide=0/.test(location.search)")
    visit.drawn()
    shown = [text for trace in visit.figure("masked_words")["data"] for text in trace.get("text") or []]
    assert "<b>&lt;mask&gt;</b>" in shown
