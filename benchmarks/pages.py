"""How long each page takes from navigation until its pictures are drawn, on the sample models.

Run alone: `python -m benchmarks.pages`.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.measure import Row
from dashboards.screenshots import DRAWN, links
from dashboards.server import start
from genviz.export.browser import find_browser
from genviz.showing import sample_subjects

LIMIT = 1.5  # s


def rows() -> Iterator[Row]:
    """Median of three navigations per page, after one that starts models and fills caches."""
    seconds = dict(measured())
    slowest = max(seconds, key=lambda page: seconds[page])
    for page, took in seconds.items():
        yield Row(f"  {page}: drawn after", f"{took:.2f} s")
    yield Row(f"slowest page ({slowest}): drawn after navigation", f"{seconds[slowest]:.2f} s",
              f"≤ {LIMIT} s", seconds[slowest] <= LIMIT)  # fmt: skip


def measured() -> Iterator[tuple[str, float]]:
    """Each page with the seconds until it is drawn."""
    with start(sample_subjects(), port=0) as server, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": 1440, "height": 900})
        for slug, page in list(links(server.stage)):
            url = f"{server.url.rstrip('/')}/{slug}/{page}?theme=light"
            visit(window, url)
            yield f"{slug}/{page}", statistics.median(visit(window, url) for _ in range(3))
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
