"""Probabilities, densities and orders of scores, against scipy and numpy."""

import numpy as np
import pytest
from scipy import special

from genviz.analysis.adversarial import densities, judged_real, logit, sigmoid, spread_by_score

SCORES = np.array([-1000.0, -3.0, -0.1, 0.0, 0.1, 3.0, 1000.0])


def test_sigmoid_is_scipys_and_does_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(SCORES) == pytest.approx(special.expit(SCORES), abs=1e-15)


def test_logit_undoes_sigmoid() -> None:
    assert logit(sigmoid(SCORES[1:-1])) == pytest.approx(SCORES[1:-1])
    assert logit(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]


def test_densities_are_numpys_over_common_bins() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(1, 1, 500), draw.normal(-1, 2, 300)
    found = densities(real, fake, bins=30)
    assert found.edges[[0, -1]] == pytest.approx([min(real.min(), fake.min()), max(real.max(), fake.max())])
    for group, scores in enumerate((real, fake)):
        assert found.density[group] == pytest.approx(np.histogram(scores, found.edges, density=True)[0])
        assert found.density[group].sum() * np.diff(found.edges)[0] == pytest.approx(1)


def test_densities_leave_nan_and_infinities_out_and_survive_nothing() -> None:
    found = densities(np.array([np.nan, 1.0, np.inf]), np.array([]), bins=4)
    assert found.density[0].sum() * np.diff(found.edges)[0] == pytest.approx(1)
    assert not found.density[1].any()


def test_judged_real_counts_what_lies_above_the_line() -> None:
    assert judged_real(np.array([-1.0, 0.0, 0.5, 2.0]), 0.0) == 0.5
    assert np.isnan(judged_real(np.array([]), 0.0))


def test_spread_goes_from_the_lowest_to_the_highest_score() -> None:
    scores = np.array([0.5, 0.1, 0.9, 0.3, 0.7])
    assert spread_by_score(scores, 3).tolist() == [1, 0, 2]
    assert spread_by_score(scores, 99).tolist() == [1, 3, 0, 4, 2]
