"""A long map in a browser: a box shows exact numbers, the link keeps the part, a double click shows all."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dashboards.server import Server, start
from genviz.views import Subject, windows
from tests.browser.conftest import Open, Visit
from tests.views.subjects import transformer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TOKENS = 4000
SITE = "layers.0.attn"
DREW = "() => { const p = document.querySelector('#view-attention_matrix .js-plotly-plot'); return p && %s; }"
EXACT = DREW % "p.data.length && p.data[0].text"
PART = "p.layout.meta.genviz.controls.rows.length"
WHOLE = DREW % f"(p.layout.images || []).length && !{PART}"


@pytest.fixture(scope="module")
def recording() -> Any:
    return transformer(layers=2, heads=1, tokens=TOKENS)


@pytest.fixture(scope="module")
def server(recording: Any, port: int) -> Iterator[Server]:
    with start([Subject("long", recording=recording)], port=port) as running:
        yield running


@pytest.fixture
def window(visit: Open) -> Visit:
    return visit()


def pixels(window: Visit, *places: tuple[float, float]) -> list[float]:
    """Where places of the map, (key, query), are in the window."""
    found: list[float] = window.page.evaluate(
        """places => {
            const plot = document.querySelector('#view-attention_matrix .js-plotly-plot');
            const box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;
            return places.flatMap(([x, y]) =>
                [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)]);
        }""",
        places,
    )
    return found


def drag(window: Visit, start: tuple[float, float], end: tuple[float, float], *, shift: bool = False) -> None:
    """Draw a box between two places, given as (key, query) of the map, or move the map with Shift."""
    x0, y0, x1, y1 = pixels(window, start, end)
    mouse = window.page.mouse
    mouse.move(x0, y0)
    if shift:
        window.page.keyboard.down("Shift")
    mouse.down()
    mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=4)
    mouse.move(x1, y1, steps=4)
    mouse.up()
    if shift:
        window.page.keyboard.up("Shift")


def test_a_box_shows_exact_numbers_and_the_link_keeps_it(window: Visit, recording: Any) -> None:
    window.go(f"/long/attention?site={SITE}")
    window.until(WHOLE)
    drag(window, (1000, 1200), (1900, 2100))  # a pooled part first, then one that is exact
    window.until("() => /rows=\\d+-\\d+/.test(location.search)")
    window.until(DREW % PART)
    first, last = window.controls("attention_matrix")["rows"]
    assert 900 <= last - first <= 1000
    drag(window, (1400, 1600), (1460, 1660))
    window.until(EXACT)
    rows, keys = (window.controls("attention_matrix")[name] for name in ("rows", "keys"))
    assert f"rows={rows[0]}-{rows[1]}" in window.link
    assert f"keys={keys[0]}-{keys[1]}" in window.link
    assert 50 <= rows[1] - rows[0] <= 128
    weights = recording.attention(SITE, head=0).values[rows[0] : rows[1] + 1, keys[0] : keys[1] + 1]
    numbers = "() => Array.from(document.querySelector('#view-attention_matrix .js-plotly-plot')"
    shown = window.page.evaluate(numbers + "._fullData[0].z, row => Array.from(row))")
    np.testing.assert_allclose(shown, weights, atol=1e-6)
    link = window.link
    window.go(f"/long/attention?site={SITE}")
    window.go(link)
    window.until(EXACT)
    assert window.controls("attention_matrix")["rows"] == rows
    x, y = window.page.evaluate(
        """() => { const box = document.querySelector(
            '#view-attention_matrix .nsewdrag').getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2]; }"""
    )
    window.page.mouse.dblclick(x, y)
    window.until(WHOLE)
    window.until("() => !/rows=|keys=/.test(location.search)")


def test_a_click_on_the_map_shows_the_row_and_the_column(window: Visit, recording: Any) -> None:
    window.go(f"/long/attention?site={SITE}&tab.attention_lines=attention_profile")
    window.until(WHOLE)
    x, y = pixels(window, (1500, 3000))
    window.page.mouse.move(x - 3, y)
    window.page.mouse.move(x, y)
    window.page.wait_for_selector("#view-attention_matrix .hoverlayer .hovertext")
    window.page.mouse.click(x, y)
    window.until("() => /query=\\d+/.test(location.search) && /key=\\d+/.test(location.search)")
    window.until(
        "() => { const p = document.querySelector('#view-attention_profile .js-plotly-plot');"
        "return p.layout.meta.genviz.controls.key.length === 1; }"
    )
    query, key = (window.controls("attention_profile")[name][0] for name in ("query", "key"))
    assert abs(query - 3000) <= 8  # a pixel is about eight tokens
    assert abs(key - 1500) <= 8
    weights = recording.attention(SITE, head=0).values
    shown = window.page.evaluate(
        "() => document.querySelector('#view-attention_profile .js-plotly-plot')"
        "._fullData.filter(t => t.name === 'largest').map(t => Math.max(...Array.from(t.y).filter(y => y)))"
    )
    np.testing.assert_allclose(shown, [weights[query].max(), weights[:, key].max()], atol=1e-6)


def test_with_shift_the_part_is_moved_and_keeps_its_size(window: Visit) -> None:
    window.go("/long/attention?rows=2000-2999&keys=1000-1999")
    window.until(DREW % PART)
    drag(window, (1500, 2600), (1300, 2300), shift=True)  # the map goes left and up: later keys and queries
    window.until("() => !location.search.includes('rows=2000-2999')")
    window.until(DREW % "p.layout.meta.genviz.controls.rows[0] > 2000")
    rows, keys = (window.controls("attention_matrix")[name] for name in ("rows", "keys"))
    assert abs(rows[0] - 2300) <= 8
    assert abs(keys[0] - 1200) <= 8
    assert abs(rows[1] - rows[0] - 999) <= 1
    assert abs(keys[1] - keys[0] - 999) <= 1


def test_a_sample_of_rows_is_there_at_once_and_sharpens(
    window: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = sys.modules["genviz.views.attention_matrix"]

    def slowly(share: float) -> None:
        time.sleep(0.4)
        windows.tell(share)

    monkeypatch.setattr(matrix, "tell", slowly)
    monkeypatch.setattr(windows, "AT_ONCE", TOKENS * 100)
    monkeypatch.setattr(windows, "SAMPLED", TOKENS * 200)
    window.page.goto(window.base + "/long/attention?head=0&site=layers.1.attn")
    caption = window.page.locator('[data-caption="attention_matrix"]')
    caption.get_by_text("row so far; all are being worked out").wait_for(timeout=60_000)
    window.until(DREW % "p.layout.images && p.layout.images.length")
    coarse = window.page.evaluate(DREW % "p.layout.images[0].source")
    caption.get_by_text("layers.1.attn · head 0").wait_for(timeout=60_000)
    window.until(DREW % "p.layout.images && p.layout.images.length")
    assert window.page.evaluate(DREW % "p.layout.images[0].source") != coarse
