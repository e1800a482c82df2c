"""The strict build of plotly.js: of the plotly package's version, and drawing WebGL behind the walls."""

import gzip

import pytest
from plotly.offline import get_plotlyjs_version

from dashboards.app import build
from dashboards.plotlyjs import STRICT


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
