"""A long text in the dashboard: how soon a head's map is there, and is sharp; how soon a box drawn in it is.

In Chromium, on recordings of random queries and keys: their values change neither size nor time.

Run alone: `python -m benchmarks.zooming`.
"""

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.measure import Row
from dashboards.server import start
from genviz.attention import MaskRule
from genviz.export.browser import find_browser
from genviz.recording import Recording
from genviz.views import Subject

LAYERS, HEADS, CHANNELS = 2, 4, 64
SMOOTH, PROGRESSIVE = 32_768, 65_536
FIRST = 1.0  # s until a first picture
# Milliseconds from ``window.from`` until what is shown says yes, and is painted.
WATCH = """says => new Promise(done => {
    const yes = eval(says);
    const look = () => {
        const frame = document.getElementById('view-attention_matrix');
        const plot = frame && frame.querySelector('.js-plotly-plot');
        if (plot && plot.layout && plot.layout.meta && yes(plot, frame))
            requestAnimationFrame(() => requestAnimationFrame(() =>
                done(performance.now() - (window.from || 0))));
        else setTimeout(look, 5);
    };
    look();
})"""
PLOT = "document.querySelector('#view-attention_matrix .js-plotly-plot')"
ROWS = "plot.layout.meta.genviz.controls.rows"
PICTURE = "(plot, frame) => (plot.layout.images || []).length > 0 && frame.classList.contains('drawn')"
OF_HEAD = " && plot.layout.meta.genviz.controls.head === %d"
CAPTION = "document.querySelector('[data-caption=attention_matrix]').textContent"
SHARP = f" && !{CAPTION}.includes('so far')"
OTHER_ROWS = f"plot => {ROWS}.join('-') !== window.before{SHARP}"
ALL_ROWS = f"plot => {ROWS}.length === 0{SHARP}"
CHOOSE = """head => {
    window.from = performance.now();
    dash_clientside.set_props({ role: 'control', scope: 'page', name: 'head' }, { value: head });
}"""
RELEASED = "() => addEventListener('mouseup', () => { window.from = performance.now(); }, true)"
PLACES = """([start, end]) => {
    const plot = document.querySelector('#view-attention_matrix .js-plotly-plot');
    const box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;
    return [start, end].flatMap(([x, y]) =>
        [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)]);
}"""


def recording(tokens: int) -> Recording:
    """A causal model's queries and keys, and its text."""
    rng = np.random.default_rng(0)
    made = Recording(info={"title": "long", "tokens": [[f"w{at % 5000}" for at in range(tokens)]]})
    rule = MaskRule(causal=True, scale=CHANNELS**-0.5).to_json()
    for layer in range(LAYERS):
        for kind, attrs in (("query", {"rule": rule, "route": "sdpa"}), ("key", {})):
            array = rng.standard_normal((1, HEADS, tokens, CHANNELS), np.float32)
            made.add(f"layers.{layer}.attn", kind, array, attrs=attrs)
    return made


def rows() -> Iterator[Row]:
    """First and sharp pictures of a head; boxes of three sizes."""
    for tokens in (SMOOTH, PROGRESSIVE):
        with (
            start([Subject("long", recording=recording(tokens))], port=0) as server,
            sync_playwright() as tools,
        ):
            browser = tools.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
            window = browser.new_page(viewport={"width": 1440, "height": 900})
            window.goto(f"{server.url.rstrip('/')}/long/attention?theme=light&head=3")
            window.evaluate(WATCH, PICTURE + SHARP)
            yield from pictures(window, tokens)
            yield from boxes(window, tokens)
            browser.close()


def pictures(window: Any, tokens: int) -> Iterator[Row]:
    """Seconds from choosing a head to its first picture, and to the exact one."""
    first, sharp = [], []
    for head in range(HEADS - 1):
        window.evaluate(CHOOSE, head)
        first.append(window.evaluate(WATCH, PICTURE + OF_HEAD % head) / 1e3)
        sharp.append(window.evaluate(WATCH, PICTURE + SHARP + OF_HEAD % head) / 1e3)
    middle = statistics.median(first)
    yield Row(f"T={tokens:,}, a head is chosen: first picture after", f"{middle:.2f} s", f"≤ {FIRST:g} s",
              middle <= FIRST)  # fmt: skip
    yield Row(f"  T={tokens:,}: every row worked out after", f"{statistics.median(sharp):.2f} s")


def boxes(window: Any, tokens: int) -> Iterator[Row]:
    """Seconds from letting go of a box to its picture: pooled ones, then one of exact numbers."""
    window.evaluate(RELEASED)
    names = ("a quarter of the text", "pooled", "exact numbers")
    found: dict[str, list[float]] = {name: [] for name in (*names, "all again")}
    for turn in range(3):
        for name, side in zip(names, (tokens // 4, tokens // 40, 80), strict=True):
            start_at = tokens // 2 + 7 * turn
            drag(window, (start_at, start_at + 8), (start_at + side, start_at + side + 8))
            found[name].append(window.evaluate(WATCH, OTHER_ROWS) / 1e3)
        double_click(window)
        found["all again"].append(window.evaluate(WATCH, ALL_ROWS) / 1e3)
    for name, seconds in found.items():
        yield Row(
            f"  T={tokens:,}, box drawn ({name}): its picture after", f"{statistics.median(seconds):.2f} s"
        )


def drag(window: Any, start_at: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a box between two places, given as (key, query) of the map."""
    x0, y0, x1, y1 = window.evaluate(PLACES, [start_at, end])
    window.evaluate(f"() => {{ const plot = {PLOT}; window.before = {ROWS}.join('-'); }}")
    window.mouse.move(x0, y0)
    window.mouse.down()
    window.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=4)
    window.mouse.move(x1, y1, steps=4)
    window.mouse.up()


def double_click(window: Any) -> None:
    """Ask for the whole map again."""
    x, y = window.evaluate(
        """() => { const box = document.querySelector(
            '#view-attention_matrix .nsewdrag').getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2]; }"""
    )
    window.mouse.dblclick(x, y)


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
