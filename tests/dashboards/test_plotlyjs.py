"""The strict build of plotly.js: of the plotly package's version, and drawing WebGL behind the walls."""

import gzip

import pytest
from plotly.offline import get_plotlyjs_version

from dashboards.app import Dashboard, build
from dashboards.plotlyjs import STRICT, address


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


def test_a_page_asks_for_it_by_its_content_and_may_keep_it(app: Dashboard) -> None:
    client = app.server.test_client()
    page = client.get("/").get_data(as_text=True)
    assert page.count(f'<script src="{address()}"></script>') == 1
    assert page.index(address()) < page.index("dash_renderer"), "dcc loads it a second time if it comes later"
    kept = client.get(address(), headers={"Accept-Encoding": "gzip"})
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = client.get(address() + "0", headers={"Accept-Encoding": "gzip"})
    assert other.headers["Cache-Control"] == "no-store"
