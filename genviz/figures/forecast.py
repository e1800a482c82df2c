"""A series that goes on one step at a time: which past values each step reads, and how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import small_print
from genviz.figures.colours import tint
from genviz.figures.played import BAR, Picture, played
from genviz.figures.text import clean, number
from genviz.figures.theme import palette, role

#: Shares of a normal distribution and how many standard deviations to either side hold them.
BANDS = ((0.95, 1.959964), (0.8, 1.281552), (0.5, 0.67449))
BEFORE = 80  # known values that are shown, at least as many as a step reads
NAMED = 10  # moments that are named below


@dataclass(frozen=True)
class Going:
    """A forecast with the series that it goes on from.

    Parameters
    ----------
    values : float array, (time,)
        All of the series, also what came after the part that was known.
    times : sequence of str
    name : str
    told : mapping
        See :meth:`genviz.live.forecaster.Forecaster.forecast`.
    """

    values: NDArray[np.float64]
    times: Sequence[str]
    name: str
    told: Mapping[str, Any]

    def time(self, at: int) -> str:
        """What a moment is called, also beyond the end of the series; escaped."""
        if at < len(self.times):
            return clean(self.times[at], 20)
        last = self.times[-1]
        step = self.times[-2] if len(self.times) > 1 else ""
        if last.lstrip("-").isdigit() and step.lstrip("-").isdigit():
            return str(int(last) + (at - len(self.times) + 1) * (int(last) - int(step)))
        return f"+{at - len(self.times) + 1}"


def forecast(going: Going, *, step: int, theme: str = "light") -> go.Figure:
    """Draw a forecast up to a step; every other step is in the figure, to be played.

    Parameters
    ----------
    going : Going
    step : int
        How many values have been forecast.
    theme : {"light", "dark"}
    """
    steps = len(going.told["means"])
    pictures = [_picture(going, at, theme) for at in range(steps + 1)]
    lags = int(going.told["lags"])
    title = (
        f"{clean(going.name, 40)}: each value is a weighted sum of the {lags} before it"
        if lags > 1 else f"{clean(going.name, 40)}: each value is a multiple of the one before it"
    )  # fmt: skip
    figure = played(pictures, step, control="step", theme=theme, title=title, subtitle=_quality(going))
    figure.update_layout(margin={"t": 116, "b": 60 + 18 * 3 + BAR}, hovermode="closest")
    small_print(figure, clean(_note(going), 600), theme)
    return figure


def _quality(going: Going) -> str:
    """How the forecast compares with what came; escaped."""
    known, means = int(going.told["known"]), going.told["means"]
    came = going.values[known : known + len(means)]
    if not len(came):
        return "nothing is known of what comes: all values were read"
    errors = came - means[: len(came)]
    inside = np.abs(errors) <= BANDS[0][1] * going.told["deviations"][: len(came)]
    return (
        f"of {len(came)} values that were kept from it, {inside.sum()} came within the 95 % band; "
        f"typically it was off by {number(float(np.sqrt(np.mean(errors**2))), 3)}"
    )


def _note(going: Going) -> str:
    told = going.told
    said = (
        f"The weights are fitted by least squares to the {told['known']} values that are known (AIC "
        f"{told['aic']:.1f}). The bands take them as exact and the errors as normal with the standard "
        f"deviation {number(float(np.sqrt(told['variance'])))}."
    )
    if not told["settles"]:
        said += " These weights do not settle down: the forecast runs away in the long run."
    return said


def _picture(going: Going, step: int, theme: str) -> Picture:
    known, lags = int(going.told["known"]), int(going.told["lags"])
    first = max(0, known - max(BEFORE, lags))
    return Picture(
        [
            *_bands(going, step, theme),
            _line(going, np.arange(first, known), "known", palette(theme).text),
            _came(going, theme),
            _said(going, step, theme),
            _reads(going, step, theme),
            *_read(going, step, theme),
            _weights(going, theme),
        ],
        _axes(going, first),
    )


def _bands(going: Going, step: int, theme: str) -> list[dict[str, Any]]:
    """The fan: each band begins at the last known value."""
    known, told = int(going.told["known"]), going.told
    means = np.concatenate([[going.values[known - 1]], told["means"][:step]])
    spread = np.concatenate([[0.0], told["deviations"][:step]])
    at = np.arange(known - 1, known + step)
    return [
        {
            "type": "scatter", "mode": "lines", "fill": "toself", "hoverinfo": "skip",
            "fillcolor": tint(role("path", theme), 0.16), "line": {"width": 0},
            "name": f"{share:.0%} band", "showlegend": False,
            "x": plain(np.concatenate([at, at[::-1]]).astype(float)),
            "y": plain(np.concatenate([means + far * spread, (means - far * spread)[::-1]])),
        }
        for share, far in BANDS
    ]  # fmt: skip


def _line(going: Going, at: NDArray[np.int64], name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "line": {"color": colour, "width": 1.8},
        "marker": {"size": 4}, "x": plain(at.astype(float)), "y": plain(going.values[at]),
        "text": [going.time(each) for each in at],
        "hovertemplate": "<b>%{text}</b><br>%{y:.6g}<extra>" + name + "</extra>",
    }  # fmt: skip


def _came(going: Going, theme: str) -> dict[str, Any]:
    known = int(going.told["known"])
    at = np.arange(known, min(len(going.values), known + len(going.told["means"])))
    found = _line(going, at, "what really came (not read)", palette(theme).muted)
    return {
        **found,
        "mode": "markers",
        "marker": {"size": 8, "symbol": "circle-open", "line": {"width": 1.6}},
    }


def _said(going: Going, step: int, theme: str) -> dict[str, Any]:
    known, told = int(going.told["known"]), going.told
    at = np.arange(known, known + step)
    words = [
        f"<b>{going.time(known + each)}</b>, step {each + 1}<br>forecast {told['means'][each]:.6g}"
        f"<br>standard deviation {told['deviations'][each]:.6g}"
        for each in range(step)
    ]
    colour = role("path", theme)
    return {
        "type": "scatter", "mode": "lines+markers", "name": "forecast", "marker": {"size": 7},
        "line": {"color": colour, "width": 2.6}, "x": plain(at.astype(float)),
        "y": plain(told["means"][:step]), "text": words, "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _used(going: Going, step: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which values the last step read, and their numbers."""
    if step == 0:
        return np.empty(0, np.int64), np.empty(0)
    known, read = int(going.told["known"]), np.asarray(going.told["read"][step - 1], np.int64)
    both = np.concatenate([going.values[:known], going.told["means"]])
    return read, both[read]


def _reads(going: Going, step: int, theme: str) -> dict[str, Any]:
    """Lines from the values that the last step read to what it said."""
    read, values = _used(going, step)
    end = int(going.told["known"]) + step - 1
    said = float(going.told["means"][step - 1]) if step else 0.0
    gap = np.full(len(read), np.nan)
    return {
        "type": "scatter", "mode": "lines", "name": "what the last step reads", "hoverinfo": "skip",
        "showlegend": False, "line": {"color": tint(palette(theme).muted, 0.35), "width": 1},
        "x": plain(np.stack([read, np.full(len(read), end), gap], axis=1).ravel()),
        "y": plain(np.stack([values, np.full(len(read), said), gap], axis=1).ravel()),
    }  # fmt: skip


def _read(going: Going, step: int, theme: str) -> list[dict[str, Any]]:
    """Marks on those values, as large as their weight, by its sign."""
    read, values = _used(going, step)
    weights = np.asarray(going.told["weights"])
    top = float(np.abs(weights).max()) or 1.0
    found = []
    for sign in ("positive", "negative"):
        chosen = np.flatnonzero((weights[: len(read)] >= 0) == (sign == "positive"))
        found.append({
            "type": "scatter", "mode": "markers", "name": f"{sign} weight",
            "marker": {"color": role(sign, theme), "opacity": 0.8, "size": plain(6 + 20 * np.sqrt(
                np.abs(weights[chosen]) / top))},
            "x": plain(read[chosen].astype(float)), "y": plain(values[chosen]),
            "text": [
                f"<b>{going.time(int(read[at]))}</b>, {at + 1} before<br>weight {weights[at]:.6f} × "
                f"{values[at]:.6g} = {weights[at] * values[at]:.6g}" for at in chosen
            ],
            "hovertemplate": "%{text}<extra></extra>",
        })  # fmt: skip
    return found


def _weights(going: Going, theme: str) -> dict[str, Any]:
    weights, errors = np.asarray(going.told["weights"]), np.asarray(going.told["errors"])
    colours = [role("positive" if weight >= 0 else "negative", theme) for weight in weights]
    return {
        "type": "bar", "name": "lag weights", "xaxis": "x2", "yaxis": "y2", "showlegend": False,
        "orientation": "h", "y": plain(np.arange(1.0, len(weights) + 1)), "x": plain(weights),
        "marker": {"color": colours}, "customdata": plain(errors),
        "error_x": {"type": "data", "array": plain(errors), "color": palette(theme).muted, "thickness": 1.2},
        "hovertemplate": "%{y} before<br>weight %{x:.6f}<br>standard error %{customdata:.6f}<extra></extra>",
    }  # fmt: skip


def _axes(going: Going, first: int) -> dict[str, Any]:
    end = int(going.told["known"]) + len(going.told["means"]) - 1
    every = max(1, -(-(end - first) // NAMED))
    ticks = list(range(end, first - 1, -every))[::-1]
    lags = int(going.told["lags"])
    return {
        "xaxis": {"domain": [0, 0.74], "title": {"text": "time"}, "tickvals": ticks, "anchor": "y",
                  "ticktext": [going.time(at) for at in ticks], "range": [first - 1, end + 1],
                  "zeroline": False, "showgrid": False},
        "yaxis": {"title": {"text": clean(going.name, 40)}, "range": _range(going, first),
                  "zeroline": False},
        "xaxis2": {"domain": [0.82, 1], "title": {"text": "weight"}, "anchor": "y2", "nticks": 5},
        "yaxis2": {"anchor": "x2", "title": {"text": "how many before"}, "range": [lags + 0.6, 0.4],
                   "dtick": 1 if lags <= 12 else 2, "tick0": 1, "showgrid": False, "zeroline": False},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal",
                   "itemsizing": "constant"},
    }  # fmt: skip


def _range(going: Going, first: int) -> list[float]:
    """One range for all steps, so that nothing but time moves."""
    means, far = going.told["means"], BANDS[0][1] * going.told["deviations"]
    end = int(going.told["known"]) + len(means)
    seen = np.concatenate([going.values[first:end], means + far, means - far])
    low, high = float(seen.min()), float(seen.max())
    spare = 0.04 * (high - low)
    return [low - spare, high + spare]
