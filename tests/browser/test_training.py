"""A training on the page: the clock moves every picture without asking the server, then the link follows."""

from collections.abc import Iterator

import pytest

from dashboards.server import Server, start
from tests.browser.conftest import Open, Visit
from tests.dashboards.subjects import trained_ones

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TRAINING, MASKED = "/student/training", "/guesser/masked-words"
_PLOT = "document.querySelector('#view-training_%s .js-plotly-plot')._fullData[0].x"
HAND = "() => %s[0]" % (_PLOT % "loss")
FAR = "() => [...%s].map(Math.abs).reduce((a, b) => a + b)" % (_PLOT % "map")
STEP = "step => (document.querySelector('.clock-step') || {}).innerText === step[0]"


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[Server]:
    with start(trained_ones(), port=port) as running:
        yield running


@pytest.fixture
def window(visit: Open) -> Visit:
    return visit()


def _turn(window: Visit, place: int) -> None:
    window.page.evaluate(
        "place => { const slider = document.querySelector('#clock input'); slider.value = String(place);"
        " slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        place,
    )


def test_scrubbing_asks_nobody_and_the_link_follows(window: Visit) -> None:
    window.go(f"{TRAINING}?theme=light")
    window.until(STEP, "step 900")
    hand, late = window.page.evaluate(HAND), window.page.evaluate(FAR)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    _turn(window, 0)
    window.until(STEP, "step 0")
    window.until(f"before => ({HAND})() < before[0]", hand)
    assert window.page.evaluate(FAR) < 0.5 * late, "the embeddings of this training grow tenfold"
    assert asked == []
    window.page.click("#clock .on")
    window.until("() => location.search.includes('checkpoint=50')")
    window.drawn()
    window.go(window.link)
    window.until(STEP, "step 50")


def test_playing_stops_at_the_last_checkpoint(window: Visit) -> None:
    window.go(f"{TRAINING}?theme=dark&checkpoint=0")
    window.page.click("#clock .player-play")
    window.until(STEP, "step 900")
    window.until("() => document.querySelector('#clock .player-play').ariaLabel === 'Play'")


def test_a_click_hides_a_word(window: Visit) -> None:
    window.go(f"{MASKED}?theme=light")
    box = window.page.locator("#view-masked_words .cartesianlayer .xy").first.bounding_box()
    assert box is not None
    window.page.mouse.click(box["x"] + 0.02 * box["width"], box["y"] + 0.5 * box["height"])
    window.until("() => /hide=0/.test(location.search)")
    window.drawn()
    shown = [text for trace in window.figure("masked_words")["data"] for text in trace.get("text") or []]
    assert "<b>&lt;mask&gt;</b>" in shown
