from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.export import renderer
from genviz.export.browser import find_browser
from genviz.figures import theme as look

EVIL = "https://evil.example/x"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `browser` need Chromium; elsewhere they say so."""
    if find_browser() is None:
        skip = pytest.mark.skip(reason="needs Chromium: apt-get install chromium")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)


@pytest.fixture
def figure() -> go.Figure:
    """A heatmap as the attention view draws it, with the meta that a view leaves."""
    weights = np.tril(np.random.default_rng(0).random((6, 6))).astype(np.float32)
    drawn = go.Figure(go.Heatmap(z=weights / weights.sum(axis=1, keepdims=True), colorscale="Blues"))
    drawn.update_layout(template=look.template("light"), title="What each token looks at")
    drawn.update_yaxes(autorange="reversed", title="query")
    drawn.layout.meta = {
        "genviz": {
            "view": "attention_matrix",
            "subject": "gpt",
            "controls": {"site": "layers.0.attn", "head": 2},
            "provenance": {"model": "GPT", "device": "cpu"},
            "version": "0.1.0",
            "caption": "Every row sums to one.",
        }
    }
    return drawn


@pytest.fixture
def points() -> go.Figure:
    """Points drawn by WebGL."""
    rng = np.random.default_rng(1)
    drawn = go.Figure(
        go.Scattergl(x=rng.normal(size=500), y=rng.normal(size=500), mode="markers", name="one")
    )
    return drawn.update_layout(template=look.template("light"), title="Latent space of a σ-VAE")


@pytest.fixture
def hostile() -> go.Figure:
    """A figure whose every string is an attack, and whose every source points elsewhere."""
    text = (
        f'</script><script>window.pwned=1</script><img src="{EVIL}" onerror="window.pwned=1">\ud800\ufffe\x00'
    )
    drawn = go.Figure(
        [
            go.Scatter(
                x=[1, 2], y=[1, 2], text=[text, f'<a href="{EVIL}">link</a>'], mode="markers+text", name=text
            ),
            go.Image(source=EVIL),
        ]
    )
    drawn.update_layout(
        title=f'<a href="{EVIL}">{text}</a>',
        images=[{"source": EVIL, "x": 0, "y": 1, "sizex": 1, "sizey": 1}, {"source": "file:///etc/hostname"}],
        template={"layout": {"images": [{"source": EVIL}]}, "data": {"image": [{"source": EVIL}]}},
        annotations=[{"text": f'<span style="fill:url({EVIL})">{text}</span>', "x": 1, "y": 1}],
        xaxis_title=text,
    )
    drawn.layout.meta = {"genviz": {"view": text, "subject": text, "caption": text, "controls": {text: text}}}
    return drawn


@pytest.fixture(scope="session", autouse=True)
def _end_browser() -> Iterator[None]:
    yield
    renderer.close()
