"""A server and a Chromium for the tests of a module; every test has windows of its own that watch themselves.

All browsers have one profile and all servers one port: scripts are compiled once, as for people who come
back: drawing a page takes half as long. What a page keeps in the browser is removed after each test.
"""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dashboards.screenshots import DRAWN
from dashboards.server import Server, start
from genviz.export.browser import find_browser
from tests.dashboards.subjects import subjects

sync_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="session")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found: int = taken.getsockname()[1]
    return found


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[Server]:
    with start(subjects(), port=port) as running:
        yield running


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


# Not for the whole session: an open Playwright keeps an event loop running in the main thread, and other
# tests could start none.
@pytest.fixture(scope="module")
def chromium(profile: Path) -> Iterator[Any]:
    path = find_browser()
    if path is None:
        pytest.skip("Chromium is missing: install the package 'chromium', or set BROWSER_PATH")
    with sync_api.sync_playwright() as tools:
        browser = tools.chromium.launch_persistent_context(
            profile, executable_path=str(path), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page of the dashboard in a browser, and what it complained of."""

    page: Any
    base: str
    complaints: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def go(self, link: str) -> "Visit":
        """Open a link and wait until everything on it is drawn."""
        self.page.goto(self.base + link)
        return self.drawn()

    def drawn(self) -> "Visit":
        """Wait until everything that is shown is drawn."""
        self.page.wait_for_function("() => !document.querySelector('.main.leaving')", timeout=30_000)
        self.page.wait_for_function(DRAWN, timeout=120_000)  # the first UMAP of a process compiles it
        return self

    def figure(self, view: str) -> dict[str, Any]:
        """Data and layout of a figure as it is on the page."""
        found: dict[str, Any] = self.page.evaluate(
            "name => { const plot = document.querySelector(`#view-${name} .js-plotly-plot`);"
            "return {data: plot.data, layout: plot.layout, meta: plot.layout.meta}; }",
            view,
        )
        return found

    def controls(self, view: str) -> dict[str, Any]:
        """Controls with which a figure was drawn."""
        found: dict[str, Any] = self.figure(view)["meta"]["genviz"]["controls"]
        return found

    def until(self, says: str, *arguments: Any) -> None:
        """Wait until a JavaScript function says yes."""
        self.page.wait_for_function(says, arg=list(arguments) if arguments else None, timeout=20_000)

    @property
    def link(self) -> str:
        """What stands in the address bar, without the host."""
        return str(self.page.url.removeprefix(self.base))


Open = Callable[..., Visit]


@pytest.fixture
def visit(server: Server, chromium: Any) -> Iterator[Open]:
    """Open windows; afterwards none may have complained, or asked anybody but the server."""
    opened: list[Visit] = []
    host = urlsplit(server.url).netloc

    def open_window(width: int = 1440, height: int = 900, **media: Any) -> Visit:
        made = Visit(chromium.new_page(), server.url.rstrip("/"))
        opened.append(made)
        made.page.set_viewport_size({"width": width, "height": height})
        if media:
            made.page.emulate_media(**media)
        made.page.on("console", lambda said: made.complaints.extend(complaint(said)))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on("request", lambda sent: _note(made, sent.url, host))
        return made

    yield open_window
    for made in opened:
        forget(made.page, made.base)
        made.page.close()
        assert made.complaints == []
        assert made.abroad == []


def forget(page: Any, origin: str) -> None:
    """Remove what pages of an origin keep in the browser."""
    kept = "local_storage,session_storage,indexeddb,cookies"
    page.context.new_cdp_session(page).send(
        "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kept}
    )


def complaint(said: Any) -> list[str]:
    """What is amiss in a message of the console: an error, or a warning of Plotly's."""
    return [said.text] if said.type == "error" or said.text.startswith("WARN") else []


def _note(made: Visit, address: str, host: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("data", "blob") and parts.netloc != host:
        made.abroad.append(address)
