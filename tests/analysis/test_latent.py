"""Ways through latent space: ends, lengths, and an independent rotation."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial import geometric_slerp

from genviz.analysis.latent import PATHS, lerp, slerp

SHARES = np.linspace(0, 1, 9)
codes = arrays.arrays(np.float64, 5, elements=st.floats(-10, 10))


def test_slerp_is_scipys_on_the_unit_sphere() -> None:
    draw = np.random.default_rng(0)
    first, second = (vector / np.linalg.norm(vector) for vector in draw.normal(size=(2, 6)))
    assert slerp(first, second, SHARES) == pytest.approx(geometric_slerp(first, second, SHARES), abs=1e-12)


@settings(deadline=None)
@given(first=codes, second=codes)
def test_slerp_goes_evenly_from_one_norm_to_the_other(first: np.ndarray, second: np.ndarray) -> None:
    norms = np.linalg.norm(first), np.linalg.norm(second)
    assume(min(norms) > 1e-3)
    cosine = first @ second / norms[0] / norms[1]
    assume(abs(cosine) < 0.999999)
    found = np.linalg.norm(slerp(first, second, SHARES), axis=1)
    assert found == pytest.approx((1 - SHARES) * norms[0] + SHARES * norms[1], rel=1e-5)


@settings(deadline=None)
@given(first=codes, second=codes)
@pytest.mark.parametrize("name", PATHS)
def test_every_way_starts_and_ends_at_its_codes(name: str, first: np.ndarray, second: np.ndarray) -> None:
    found = PATHS[name](first, second, np.array([0.0, 1.0]))
    assert found[0] == pytest.approx(first, abs=1e-6)
    assert found[1] == pytest.approx(second, abs=1e-6)


def test_codes_without_an_arc_go_straight() -> None:
    first = np.array([1.0, 0, 0])
    for second in (2 * first, -first, 0 * first):
        assert slerp(first, second, SHARES) == pytest.approx(lerp(first, second, SHARES))


@pytest.mark.usefixtures("shapes_unchecked")
def test_codes_of_different_shape_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"two codes of one length are needed, not the shapes \(3,\) and \(4,\)"
    ):
        lerp(np.zeros(3), np.zeros(4), SHARES)
