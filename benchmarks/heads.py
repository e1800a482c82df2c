"""All layers × heads of a 12 × 12-head model at 512 tokens: what its page sends, and when it is drawn.

BertViz and CircuitsVis draw the same heads beside it, from their own environment (`make peers`).

Run alone: `python -m benchmarks.heads`.
"""

import contextlib
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Error, sync_playwright

from benchmarks.measure import Row, in_fresh_process
from benchmarks.pages import visit
from dashboards.server import start
from genviz.attention import MaskRule
from genviz.export.browser import find_browser
from genviz.recording import Recording
from genviz.views import Subject

LAYERS, HEADS, TOKENS, CHANNELS = 12, 12, 512, 64
PATIENCE = 200  # seconds that a peer's page may take
PEERS = Path(".venv-peers")
SHORT = 64  # tokens at which the peers' pages are drawn as well
# Each peer's page is drawn when all heads are there.
DRAWN = {
    "bertviz": "document.querySelectorAll('#vis svg g').length >= 144",
    "circuitsvis": "document.querySelectorAll('canvas, img').length >= 144",
}
SCRIPTS = {
    "require.min.js": "requirejs/require.js",
    "d3.min.js": "d3/dist/d3.min.js",
    "jquery.min.js": "jquery/dist/jquery.min.js",
}
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def recording() -> Recording:
    """Queries and keys of a causal model, random: their values change neither size nor time."""
    rng = np.random.default_rng(0)
    made = Recording()
    rule = MaskRule(causal=True, scale=CHANNELS**-0.5).to_json()
    for layer in range(LAYERS):
        for kind, attrs in (("query", {"rule": rule, "route": "sdpa"}), ("key", {})):
            array = rng.standard_normal((1, HEADS, TOKENS, CHANNELS), np.float32)
            made.add(f"layers.{layer}.attn", kind, array, attrs=attrs)
    return made


def rows() -> Iterator[Row]:
    """Bytes over the wire and seconds until drawn: the page, then the peers."""
    what = f"page of {LAYERS} × {HEADS} heads, {TOKENS} tokens"
    seconds, size = page()
    yield Row(f"{what}: over the wire", f"{size / 1e6:.2f} MB", "≤ 2 MB", size <= 2e6)
    yield Row(f"{what}: drawn after navigation", f"{seconds:.2f} s", "≤ 2 s", seconds <= 2)
    for tool in DRAWN:
        for tokens in (SHORT, TOKENS):
            yield peer(tool, tokens)


def page() -> tuple[float, float]:
    """Medians of seconds until drawn and of bytes received, in a browser that has been there before."""
    sent: list[int] = []
    with (
        TemporaryDirectory() as profile,
        start([Subject("heads", recording=recording())], port=0) as server,
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch_persistent_context(
            profile, executable_path=str(find_browser()), args=["--no-sandbox"],
            viewport={"width": 1440, "height": 900},
        )  # fmt: skip
        window = browser.new_page()
        network = browser.new_cdp_session(window)
        network.send("Network.enable")
        network.on("Network.loadingFinished", lambda one: sent.append(int(one["encodedDataLength"])))
        address = f"{server.url.rstrip('/')}/heads/attention?theme=light"
        found = []
        for _ in range(7):
            sent.clear()
            found.append((visit(window, address), sum(sent)))
        browser.close()
    seconds, sizes = zip(*found[2:], strict=True)
    return statistics.median(seconds), statistics.median(sizes)


def peer(tool: str, tokens: int) -> Row:
    """What another tool's page of the same heads weighs, and when it is drawn."""
    what = f"  {tool}, {tokens} tokens: its page; drawn after"
    python = PEERS / "bin/python"
    if not python.exists():
        return Row(what, "not measured", "run: make peers")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        script = "benchmarks/peers/maps.py", tool, *map(str, (LAYERS, HEADS, tokens, file))
        in_fresh_process(*script, python=str(python))
        took = opened(tool, file)
        size = f"{file.stat().st_size / 1e6:,.0f} MB"
    return Row(what, f"{size}; {took}")


def opened(tool: str, file: Path) -> str:
    """Seconds until a peer's page is drawn, in words."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": 1440, "height": 900})
        window.route(re.compile("^https://"), _from_disk)
        start_at = time.perf_counter()
        try:
            window.goto(file.as_uri(), timeout=PATIENCE * 1e3)
            left = PATIENCE - (time.perf_counter() - start_at)
            window.wait_for_function(DRAWN[tool], timeout=max(left, 1) * 1e3)
            window.evaluate(PAINTED)
            return f"{time.perf_counter() - start_at:.1f} s"
        except Error as error:
            early = time.perf_counter() - start_at < PATIENCE - 1
            return f"failed: {error.message.splitlines()[0][:40]}" if early else f"not within {PATIENCE} s"
        finally:
            with contextlib.suppress(Error):
                browser.close()


def _from_disk(route: Any) -> None:
    """Give a page the scripts that it wants from the network, from where `make peers` put them."""
    name = Path(route.request.url).name.removesuffix(".js").removesuffix(".min")
    found = {
        "require": "requirejs/require.js",
        "d3": "d3/dist/d3.min.js",
        "jquery": "jquery/dist/jquery.min.js",
    }
    file = PEERS / "node_modules" / found.get(name, name)
    route.fulfill(path=file) if file.is_file() else route.abort()


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
