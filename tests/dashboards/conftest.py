"""The dashboard over small subjects: the app for requests that need no browser."""

from collections.abc import Iterator

import pytest

from dashboards.app import Dashboard, build
from tests.dashboards.subjects import subjects


@pytest.fixture(scope="module")
def app() -> Iterator[Dashboard]:
    made = build(subjects(), warm=False)
    yield made
    made.close()
