"""How long each page takes from navigation until its pictures are drawn, on the sample models.

In a browser with a profile of its own, as people have one: what it may keep (scripts, compiled) it keeps from
page to page. The very first visit of an empty profile is a row of its own.

Run alone: `python -m benchmarks.pages`.
"""

import statistics
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.measure import Row
from dashboards.screenshots import DRAWN, links
from dashboards.server import start
from genviz.export.browser import find_browser
from genviz.showing import sample_subjects

LIMIT = 1.5  # s
FIRST = "first visit"


def rows() -> Iterator[Row]:
    """Median of three navigations per page, after two that start models and fill caches."""
    seconds = dict(measured())
    yield Row("first visit of an empty browser: drawn after", f"{seconds.pop(FIRST):.2f} s")
    slowest = max(seconds, key=lambda page: seconds[page])
    for page, took in seconds.items():
        yield Row(f"  {page}: drawn after", f"{took:.2f} s")
    yield Row(f"slowest page ({slowest}): drawn after navigation", f"{seconds[slowest]:.2f} s",
              f"≤ {LIMIT} s", seconds[slowest] <= LIMIT)  # fmt: skip


def measured() -> Iterator[tuple[str, float]]:
    """Each page with the seconds until it is drawn."""
    with (
        TemporaryDirectory() as profile,
        start(sample_subjects(), port=0) as server,
        sync_playwright() as tools,
    ):
        every = [(f"{slug}/{page}", f"{server.url.rstrip('/')}/{slug}/{page}?theme=light")
                 for slug, page in links(server.stage)]  # fmt: skip
        browser = tools.chromium.launch_persistent_context(
            profile, executable_path=str(find_browser()), args=["--no-sandbox"],
            viewport={"width": 1440, "height": 900},
        )  # fmt: skip
        window = browser.new_page()
        yield FIRST, visit(window, every[0][1])
        for name, url in every:
            visit(window, url)
            visit(window, url)
            yield name, statistics.median(visit(window, url) for _ in range(3))
        browser.close()


def visit(window: Any, url: str) -> float:
    """Seconds from navigation until every picture is drawn."""
    window.goto("about:blank")
    start_at = time.perf_counter()
    window.goto(url, wait_until="commit")
    window.wait_for_function(DRAWN, timeout=60_000)
    return time.perf_counter() - start_at


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
