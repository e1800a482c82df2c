"""Maps of many points: WebGL behind the content security policy."""

from typing import Any

import numpy as np
import pytest

from dashboards.server import start
from genviz.recording import Recording
from genviz.views import Subject

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_many_points_are_drawn_under_the_content_security_policy(chromium: Any, port: int) -> None:
    recording = Recording(info={"title": "many"})
    recording.add("encoder", "latent", np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32))
    with start([Subject("many", recording=recording)], port=port) as server:
        page = chromium.new_page()
        page.goto(f"{server.url}many/latent-space?method=pca")
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
        page.close()
