"""Autoregression on given weights: against closed forms, statsmodels' own forecasts, and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviz.analysis.forecasting import forecast, responses, settles
from genviz.errors import ControlError


@given(weight=st.floats(-0.95, 0.95), start=st.floats(-5, 5), steps=st.integers(1, 12))
def test_one_lag_has_a_closed_form(weight: float, start: float, steps: int) -> None:
    found = forecast(np.array([start]), np.array([weight]), constant=0.0, variance=2.0, steps=steps)
    ahead = np.arange(1, steps + 1)
    assert np.allclose(found.means, start * weight**ahead)
    assert np.allclose(found.deviations**2, 2.0 * (1 - weight ** (2 * ahead)) / (1 - weight**2))


@pytest.mark.parametrize("lags", [1, 3, 9])
def test_means_and_deviations_are_those_of_statsmodels(lags: int) -> None:
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    values = np.cumsum(np.random.default_rng(lags).normal(size=150)) * 0.3 + 7
    fitted = ar_model.AutoReg(values, lags=lags, trend="c").fit()
    theirs = fitted.get_prediction(len(values), len(values) + 19)
    found = forecast(
        values, np.asarray(fitted.params[1:]), constant=float(fitted.params[0]),
        variance=float(fitted.sigma2), steps=20,
    )  # fmt: skip
    assert np.allclose(found.means, theirs.predicted_mean)
    assert np.allclose(found.deviations, theirs.se_mean)


def test_the_spread_is_that_of_simulated_futures() -> None:
    weights, past = np.array([0.6, -0.3, 0.2]), np.array([1.0, 2.0, 0.5])
    draw = np.random.default_rng(0)
    futures = np.tile(past, (40_000, 1))
    for _ in range(6):
        following = 0.4 + futures[:, -1:-4:-1] @ weights + draw.normal(size=len(futures)) * 1.5
        futures = np.hstack([futures, following[:, None]])
    found = forecast(past, weights, constant=0.4, variance=2.25, steps=6)
    assert np.allclose(futures[:, 3:].mean(axis=0), found.means, atol=0.05)
    assert np.allclose(futures[:, 3:].std(axis=0), found.deviations, rtol=0.02)


def test_each_step_reads_the_ones_before_it() -> None:
    found = forecast(np.arange(5.0), np.array([1.0, 0.5]), constant=0.0, variance=1.0, steps=3)
    assert found.read.tolist() == [[4, 3], [5, 4], [6, 5]]
    both = np.concatenate([np.arange(5.0), found.means])
    for step, read in enumerate(found.read):
        assert found.means[step] == pytest.approx(both[read] @ [1.0, 0.5])


def test_responses_are_the_powers_of_the_companion_matrix() -> None:
    weights = np.array([0.5, -0.4, 0.3, 0.1])
    companion = np.vstack([weights, np.eye(4)[:3]])
    expected = [np.linalg.matrix_power(companion, step)[0, 0] for step in range(10)]
    assert np.allclose(responses(weights, 10), expected)
    assert settles(weights) == bool((np.abs(np.linalg.eigvals(companion)) < 1).all())
    assert not settles(np.array([1.2]))


def test_too_few_values_are_said() -> None:
    with pytest.raises(ControlError, match="2 values are too few for 3 lags: take fewer, or give more"):
        forecast(np.arange(2.0), np.ones(3), constant=0.0, variance=1.0, steps=1)
