"""Weights beside what arrives: the numbers of the map, shares of heads, and what is said if unknown."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from genviz.errors import NotCaptured
from genviz.views import value_weighted
from tests.views.subjects import language


def test_the_right_map_is_the_left_one_times_the_norms_of_projected_values() -> None:
    subject = language()
    assert subject.live is not None
    site = subject.recorded().sites(kind="attention")[1]
    ids = subject.recorded().entries(kind="ids")[0].load()[0].tolist()
    (run,) = subject.live.call("head_outputs", text=ids)["sites"][site]
    figure = value_weighted(subject, site=site, head=1)
    left, right = (trace for trace in figure.data if trace.type == "heatmap" and trace.colorbar.len)
    np.testing.assert_allclose(right.z, left.z * run["value_norms"][1], atol=1e-6)
    (bars,) = (trace for trace in figure.data if trace.type == "bar")
    norms = run["output_norms"].mean(axis=1)
    np.testing.assert_allclose(bars.y, norms / norms.sum(), atol=1e-6)


class Ignorant:
    """An engine that cannot tell what heads add."""

    def __init__(self, inner: Any, sites: dict[str, Any]) -> None:
        self.info, self.abilities, self._sites = inner.info, inner.abilities, sites

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        return {"sites": self._sites}


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ([{"call": 0, "reason": "a gate stands between"}], "is not known: a gate stands between"),
        ([], "did not run again"),
        ([{"call": 0, "projection": "p", "value_norms": np.ones((2, 1)), "output_norms": np.ones((2, 1))}],
         "was run again on 1 keys"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_said(runs: list[Any], says: str) -> None:
    subject = language()
    site = subject.recorded().sites(kind="attention")[0]
    with pytest.raises(NotCaptured, match=says):
        value_weighted(replace(subject, live=Ignorant(subject.live, {site: runs})), site=site)
