"""The strict build of plotly.js: of the plotly package's version, and drawing WebGL behind the walls."""

import gzip

import numpy as np
import pytest
from plotly.offline import get_plotlyjs_version

from dashboards.app import build
from dashboards.plotlyjs import STRICT
from dashboards.server import start
from genviz.export.browser import find_browser
from genviz.recording import Recording
from genviz.views import Subject


def test_it_is_of_the_version_of_the_plotly_package() -> None:
    head = gzip.decompress(STRICT.read_bytes())[:200].decode()
    assert f"v{get_plotlyjs_version()}" in head
    assert "strict" in head


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_it_is_what_the_page_gets(encoding: str) -> None:
    client = build([]).server.test_client()
    name = "/_dash-component-suites/plotly/package_data/plotly.min.js"
    answer = client.get(name, headers={"Accept-Encoding": encoding, "Host": "localhost"})
    data = gzip.decompress(answer.data) if encoding == "gzip" else answer.data
    assert data == gzip.decompress(STRICT.read_bytes())
    evil = client.get(name, headers={"Host": "evil.example"})
    assert evil.status_code == 400, "the walls stand before it"


@pytest.mark.browser
def test_many_points_are_drawn_under_the_content_security_policy() -> None:
    from playwright.sync_api import sync_playwright

    recording = Recording(info={"title": "many"})
    recording.add("encoder", "latent", np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32))
    with start([Subject("many", recording=recording)], port=0) as server, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{server.url}many/latent-space")
        page.wait_for_selector(".view.drawn .gl-canvas-context, .view.drawn .no-webgl", state="attached")
        page.wait_for_timeout(500)
        assert "WebGL is not supported" not in page.content()
        painted: int = page.evaluate(
            """async () => {
                const graph = document.querySelector('.view.drawn .js-plotly-plot');
                const url = await Plotly.toImage(graph, {format: 'png', width: 600, height: 400});
                return url.length;
            }"""
        )
        assert painted > 20_000, "an empty plot is a few kilobytes"
        browser.close()
