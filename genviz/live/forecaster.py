"""A live forecaster: statsmodels' AutoReg on a series of one's own."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genviz.analysis.forecasting import forecast, settles
from genviz.errors import ControlError, MissingExtra
from genviz.live.series import Series, as_series, read_series
from genviz.recording import Recording

MOST_LAGS, MOST_STEPS = 24, 60


class Forecaster:
    """A series and its autoregression, which is fitted whenever it is asked (milliseconds).

    Parameters
    ----------
    series : array of float, (time,)
    times : sequence, optional
        What each moment is called.
    name : str
        Of what is measured.
    title, about : str

    Examples
    --------
    >>> live = Forecaster(np.sin(np.arange(60) / 3), title="a wave")
    >>> live.abilities
    ('record', 'forecast')
    """

    family = "series"
    offers = ("record", "forecast")

    def __init__(
        self, series: Any, *, times: Sequence[Any] = (), name: str = "value", title: str = "", about: str = ""
    ) -> None:
        self.series = series if isinstance(series, Series) else as_series(series, times, name)
        self.title = title or f"Series: {self.series.name}"
        self.about = about

    @classmethod
    def of_file(cls, path: str | Path) -> "Forecaster":
        """Read the series from a CSV file; see :func:`genviz.live.series.read_series`."""
        series = read_series(Path(path))
        return cls(series, title=f"{series.name} ({Path(path).name})")

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of what can be called."""
        return self.offers

    @property
    def most_lags(self) -> int:
        """As many weights as the series can tell apart at all."""
        return max(1, min(MOST_LAGS, len(self.series.values) // 4))

    @cached_property
    def best_lags(self) -> int:
        """The number of lags with the least Akaike information criterion."""
        select = _autoregression().ar_select_order
        chosen = select(self._until(self.known), maxlag=self.most_lags, ic="aic")
        return max(1, len(chosen.ar_lags or ()))

    @property
    def known(self) -> int:
        """How much of the series is read at first; the rest shows how good the forecast was."""
        values = len(self.series.values)
        return values - min(max(values // 10, 4), MOST_STEPS)

    def describe(self) -> dict[str, Any]:
        """What this is, plain JSON."""
        values = len(self.series.values)
        return {
            "title": self.title,
            "about": self.about,
            "family": self.family,
            "abilities": list(self.abilities),
            "defaults": {"known": self.known, "most_lags": self.most_lags, "values": values},
            "provenance": {"model": "AutoReg (statsmodels)", "class": "AutoReg"},
        }

    def record(self) -> Recording:
        """The series itself."""
        made = Recording(info={**self.describe(), "times": list(self.series.times), "name": self.series.name})
        made.add("", "series", self.series.values)
        return made

    def forecast(
        self, *, lags: int | None = None, known: int | None = None, steps: int = 24
    ) -> dict[str, Any]:
        """Fit the weights to what is known, and go on from there.

        Parameters
        ----------
        lags : int, optional
            How many past values are read; default: the number with the least AIC, from the part known at
            first.
        known : int, optional
            How many values are known; default all but the last tenth.
        steps : int

        Returns
        -------
        dict
            ``weights`` and their ``errors`` (lag,), ``constant``, ``variance``, ``means`` and ``deviations``
            (ahead,), ``read`` (ahead, lag), ``known``, ``lags``, ``settles`` (whether forecasts settle
            down), ``aic``.

        Raises
        ------
        ControlError
            When a number does not fit.
        MissingExtra
            Without statsmodels.
        """
        known = self.known if known is None else int(known)
        lags = self.best_lags if lags is None else int(lags)
        most = len(self.series.values)
        _check("lags", lags, 1, self.most_lags)
        _check("known", known, min(2 * lags + 3, most), most)
        _check("steps", steps, 1, MOST_STEPS)
        fitted = _autoregression().AutoReg(self._until(known), lags=lags, trend="c").fit()
        constant, weights = float(fitted.params[0]), np.asarray(fitted.params[1:], np.float64)
        variance = float(fitted.sigma2)
        ahead = forecast(self._until(known), weights, constant=constant, variance=variance, steps=int(steps))
        return {
            "weights": weights, "errors": np.asarray(fitted.bse[1:], np.float64), "constant": constant,
            "variance": variance, "means": ahead.means, "deviations": ahead.deviations, "read": ahead.read,
            "known": known, "lags": lags, "settles": settles(weights), "aic": float(fitted.aic),
        }  # fmt: skip

    def _until(self, known: int) -> Any:
        return self.series.values[:known]


def sunspots() -> Forecaster:
    """The series for which autoregression was invented (Yule 1927): sunspots of each year since 1700.

    Raises
    ------
    MissingExtra
        Without statsmodels, which brings the numbers.
    """
    _autoregression()
    from statsmodels.datasets import sunspots as shipped

    table = shipped.load_pandas().data
    return Forecaster(
        table["SUNACTIVITY"].to_numpy(), times=[f"{year:.0f}" for year in table["YEAR"]],
        name="sunspots a year", title="Sunspots since 1700",
        about="Real counts, and the series for which autoregression was invented (Yule 1927): each year as a "
        "weighted sum of the years before it.",
    )  # fmt: skip


def _autoregression() -> Any:
    try:
        from statsmodels.tsa import ar_model
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "statsmodels":
            raise
        raise MissingExtra.named("classical", "a forecast by autoregression") from None
    return ar_model


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ControlError(f"{name}={value} does not fit: this series takes {least} to {most}")
