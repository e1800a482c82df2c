"""A forecast as a figure: each step, what it reads, the fan, and what really came."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.figures.forecast import BANDS
from genviz.figures.played import PLAYED
from genviz.live import Forecaster
from genviz.views import as_subject, forecast

pytest.importorskip("statsmodels")
WAVE = np.sin(np.arange(90) / 4) * 3 + np.random.default_rng(0).normal(size=90) * 0.2 + 10
LIVE = Forecaster(WAVE, times=range(1900, 1990), name="height <m>")


def drawn(**controls: Any) -> go.Figure:
    return forecast(as_subject(LIVE), **controls)


def trace(figure: go.Figure, name: str) -> Any:
    return next(each for each in figure.data if each.name == name)


def test_a_step_shows_so_many_values_and_marks_what_the_last_one_read() -> None:
    told = LIVE.forecast(lags=5, known=80, steps=12)
    figure = drawn(lags=5, known=80, horizon=12, step=3)
    assert np.allclose(trace(figure, "forecast").y, told["means"][:3])
    marked = np.concatenate([trace(figure, f"{sign} weight").x for sign in ("positive", "negative")])
    assert sorted(marked) == sorted(told["read"][2])
    assert {80.0, 81.0} <= set(marked), "its own forecasts are read like values"
    assert len(drawn(lags=5, known=80, step=0).data[3].x) == 80


def test_the_fan_holds_as_many_deviations_as_it_says() -> None:
    told = LIVE.forecast(lags=5, known=80, steps=12)
    figure = drawn(lags=5, known=80, horizon=12, step=12)
    for share, far in BANDS:
        band = np.asarray(trace(figure, f"{share:.0%} band").y)
        assert np.allclose(band[1:13] - told["means"], far * told["deviations"], atol=1e-4)
    from scipy.stats import norm

    assert np.allclose(
        [norm.ppf(0.5 + share / 2) for share, _ in BANDS], [far for _, far in BANDS], atol=1e-5
    )


def test_what_came_is_shown_beside_it_and_counted() -> None:
    figure = drawn(lags=5, known=80, horizon=12)
    came = trace(figure, "what really came (not read)")
    assert np.allclose(came.y, WAVE[80:90], atol=1e-4)
    told = LIVE.forecast(lags=5, known=80, steps=12)
    inside = np.abs(WAVE[80:90] - told["means"][:10]) <= 1.96 * told["deviations"][:10]
    assert (
        f"of 10 values that were kept from it, {inside.sum()} came within"
        in figure.layout.title.subtitle.text
    )
    assert "nothing is known of what comes" in drawn(known=90).layout.title.subtitle.text


def test_weights_and_times_are_exact_and_no_markup() -> None:
    figure = drawn(lags=5, known=80, horizon=12, step=2)
    told = LIVE.forecast(lags=5, known=80, steps=12)
    assert np.allclose(trace(figure, "lag weights").x, told["weights"])
    words = [text for sign in ("positive", "negative") for text in trace(figure, f"{sign} weight").text]
    assert any(f"weight {told['weights'][0]:.6f} ×" in text for text in words)
    assert "<m>" not in figure.to_json()
    ends = list(trace(drawn(known=90, horizon=3), "forecast").text)
    assert ends[-1].startswith("<b>1992</b>"), "years go on behind the end of the series"


def test_every_step_is_in_the_figure() -> None:
    figure = drawn(lags=3, known=80, horizon=6, step=2)
    assert [frame.name for frame in figure.frames] == [str(at) for at in range(7)]
    assert figure.layout.meta[PLAYED]["last"] == 6
    assert len(figure.to_json()) < 1_000_000
