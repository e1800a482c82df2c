"""Autoregression: the next value as a weighted sum of the past ones, and how sure a forecast is.

``y[t] = c + w[1] y[t-1] + … + w[p] y[t-p] + e[t]`` with independent errors of variance ``s²`` (Box and
Jenkins 1970, "Time series analysis", chapters 3 and 5; Hamilton 1994, "Time series analysis", chapter 4).
"""

from dataclasses import dataclass

import numpy as np

from genviz.errors import ControlError
from genviz.shapes import Float, Int


@dataclass(frozen=True)
class Forecast:
    """A forecast that was made one step at a time, each step reading the ones before it.

    Parameters
    ----------
    means : float array, (ahead,)
        The value expected at each step.
    deviations : float array, (ahead,)
        Standard deviation of the forecast error at each step, the weights taken as known.
    read : int array, (ahead, lag)
        Which value each step read, by its place in the series; places behind its end are forecasts.
    """

    means: Float[np.ndarray, " ahead"]
    deviations: Float[np.ndarray, " ahead"]
    read: Int[np.ndarray, "ahead lag"]


def forecast(
    past: Float[np.ndarray, " time"],
    weights: Float[np.ndarray, " lag"],
    *,
    constant: float,
    variance: float,
    steps: int,
) -> Forecast:
    """Go on with a series.

    Parameters
    ----------
    past : float array, (time,)
    weights : float array, (lag,)
        Of the value one step before, two steps before, ….
    constant, variance : float
        ``c``, and the variance of the errors.
    steps : int

    Raises
    ------
    ControlError
        When there are fewer values than weights.

    Examples
    --------
    >>> forecast(np.array([8.0]), np.array([0.5]), constant=0.0, variance=1.0, steps=3).means.tolist()
    [4.0, 2.0, 1.0]
    """
    lags, known = len(weights), len(past)
    if known < lags:
        raise ControlError(f"{known} values are too few for {lags} lags: take fewer, or give more")
    values = np.concatenate([np.asarray(past, np.float64), np.empty(steps)])
    read = known + np.arange(steps)[:, None] - np.arange(1, lags + 1)
    for step in range(steps):
        values[known + step] = constant + weights @ values[read[step]]
    spread = np.sqrt(variance * np.cumsum(responses(weights, steps) ** 2))
    return Forecast(values[known:], spread, read)


def responses(weights: Float[np.ndarray, " lag"], steps: int) -> Float[np.ndarray, " ahead"]:
    """How much of an error is still there so many steps later: 1 at first.

    Examples
    --------
    >>> responses(np.array([0.5]), 4).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """
    found = np.zeros(steps)
    for step in range(steps):
        back = found[max(0, step - len(weights)) : step][::-1]
        found[step] = 1.0 if step == 0 else weights[: len(back)] @ back
    return found


def settles(weights: Float[np.ndarray, " lag"]) -> bool:
    """Whether forecasts settle down (the series is stationary): all roots lie inside the unit circle.

    Examples
    --------
    >>> settles(np.array([0.5])), settles(np.array([1.0]))
    (True, False)
    """
    return bool((np.abs(np.roots([1.0, *-np.asarray(weights)])) < 1 - 1e-9).all())
