"""All layers × heads of a 12 × 12-head model at 512 tokens: built, sent, drawn.

Run alone: `python -m benchmarks.heads`.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from plotly import offline

import genviz
from benchmarks.measure import Row
from genviz.attention import MaskRule
from genviz.export.browser import find_browser
from genviz.recording import Recording

LAYERS, HEADS, TOKENS, CHANNELS = 12, 12, 512, 64
# Draws the figure and resolves once the browser has painted it.
DRAW = """async figure => {
    const start = performance.now();
    await Plotly.newPlot(document.body.appendChild(document.createElement('div')), figure);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - start;
}"""


def recording() -> Recording:
    """Queries and keys of a causal model, random: their values change neither size nor time."""
    rng = np.random.default_rng(0)
    made = Recording()
    rule = MaskRule(causal=True, scale=CHANNELS**-0.5).to_json()
    for layer in range(LAYERS):
        for kind, attrs in (("query", {"rule": rule, "route": "sdpa"}), ("key", {})):
            array = rng.standard_normal((1, HEADS, TOKENS, CHANNELS)).astype(np.float32)
            made.add(f"layers.{layer}.attn", kind, array, attrs=attrs)
    return made


def rows() -> Iterator[Row]:
    """Seconds to build, bytes over the wire, seconds to draw."""
    source = recording()
    start = time.perf_counter()
    figure = genviz.views.attention_heads(source)
    yield Row("12 × 12 heads, 512 tokens: figure built", f"{time.perf_counter() - start:.2f} s")
    text = figure.to_json()
    size = len(text.encode())
    yield Row("12 × 12 heads, 512 tokens: over the wire", f"{size / 1e6:.2f} MB", "≤ 2 MB", size <= 2e6)
    drawn = statistics.median(draw(text) for _ in range(3))
    yield Row("12 × 12 heads, 512 tokens: drawn in Chromium", f"{drawn:.2f} s", "≤ 2 s", drawn <= 2)


def draw(text: str) -> float:
    """Seconds from handing a figure to a fresh page to its paint."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=str(find_browser() or Path("chromium")), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_content("<body></body>")
        page.add_script_tag(content=offline.get_plotlyjs())
        milliseconds = page.evaluate(f"text => ({DRAW})(JSON.parse(text))", text)
        browser.close()
    return float(milliseconds) / 1e3


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
