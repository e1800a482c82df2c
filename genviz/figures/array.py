"""Any array as a figure: a curve, a map, by its rank."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import colorbar, not_a_number, tint
from genviz.figures.text import clean, tokens
from genviz.figures.theme import palette

MOST_CELLS = 400  # cells per side of a map; larger ones are drawn as means of blocks
MOST_POINTS = 20_000  # points of a curve
LABELS_UP_TO = 40
WHOLE_TICKS_UP_TO = 16  # places on an axis up to which each has its number


def curve(
    values: NDArray[Any],
    *,
    axis: str,
    value: str,
    places: Sequence[Any] | None = None,
    labels: Sequence[Any] | None = None,
    title: str = "",
    subtitle: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw an array of rank 1.

    Parameters
    ----------
    values : array, (point,)
    axis, value : str
        Titles of the axes.
    places : sequence of numbers, optional
        Where the points are; 0, 1, 2 … without it.
    labels : sequence, optional
        What stands along the axis.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), clean(subtitle, 120))
    block = -(-len(values) // MOST_POINTS)
    drawn = block_means(np.asarray(values)[None, :], (1, block))[0]
    xs = np.arange(len(drawn)) * block if places is None else np.asarray(places)[::block]
    short = len(drawn) <= 64
    figure.add_scatter(
        x=plain(xs),
        y=plain(drawn),
        mode="lines+markers" if short else "lines",
        line={"color": palette(theme).categories[0], "width": 2},
        fill="tozeroy",
        fillcolor=tint(palette(theme).categories[0], 0.12),
        hovertemplate=f"{clean(axis)} %{{x}}<br>%{{y:.6g}}<extra></extra>",
        name=clean(value),
    )
    figure.update_xaxes(title=clean(axis), **(_labels(labels, len(values)) if places is None else {}))
    figure.update_yaxes(title=clean(value))
    _say(figure, np.asarray(values), (1, block), theme=theme)
    return figure


def plane(
    values: NDArray[Any],
    *,
    axes: tuple[str, str],
    value: str,
    labels: tuple[Sequence[Any] | None, Sequence[Any] | None] = (None, None),
    title: str = "",
    subtitle: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw an array of rank 2 as a map; signed values have colours centred on 0.

    Parameters
    ----------
    values : array, (row, column)
    axes : (str, str)
        Names of rows and columns.
    value : str
        What the numbers are.
    labels : (sequence or None, sequence or None)
        What stands along the axes.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), clean(subtitle, 120), plot_bgcolor=not_a_number(theme))
    block = tuple(-(-side // MOST_CELLS) for side in values.shape)
    drawn = block_means(np.asarray(values), (block[0], block[1]))
    finite = drawn[np.isfinite(drawn)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    signed = low < 0 < high
    top = max(abs(low), abs(high)) or 1.0
    colours = palette(theme)
    scale = colours.signed if signed else colours.magnitude
    figure.add_heatmap(
        z=plain(np.where(np.isfinite(drawn), drawn, np.nan)),
        x=plain(np.arange(drawn.shape[1]) * block[1]),
        y=plain(np.arange(drawn.shape[0]) * block[0]),
        zmin=-top if signed else low,
        zmax=top if signed else (high if high > low else low + 1),
        colorscale=[list(stop) for stop in scale],
        colorbar=colorbar(clean(value)),
        hovertemplate=f"{clean(axes[0])} %{{y}}<br>{clean(axes[1])} %{{x}}<br>%{{z:.6g}}<extra></extra>",
        hoverongaps=True,
        name=clean(value),
    )
    bare = {"showgrid": False, "zeroline": False}
    figure.update_xaxes(title=clean(axes[1]), **bare, **_labels(labels[1], values.shape[1]))
    figure.update_yaxes(
        title=clean(axes[0]), autorange="reversed", **bare, **_labels(labels[0], values.shape[0])
    )
    _say(figure, np.asarray(values), (block[0], block[1]), theme=theme)
    return figure


def block_means(values: NDArray[Any], block: tuple[int, int]) -> NDArray[Any]:
    """Mean of each block of a plane; a block with a NaN is NaN, the last blocks may be smaller."""
    if block == (1, 1):
        return values
    wide = values.astype(np.float64)
    edges = [np.arange(0, wide.shape[axis], block[axis]) for axis in (0, 1)]
    sums = np.add.reduceat(np.add.reduceat(wide, edges[0], axis=0), edges[1], axis=1)
    sizes = [np.diff([*edges[axis], wide.shape[axis]]) for axis in (0, 1)]
    return np.asarray(sums / np.outer(*sizes))


def _labels(labels: Sequence[Any] | None, length: int) -> dict[str, Any]:
    if labels is None or length > 4 * LABELS_UP_TO:
        return {"tickmode": "linear", "dtick": 1} if length <= WHOLE_TICKS_UP_TO else {}
    every = -(-length // LABELS_UP_TO)
    texts = tokens(map(str, labels), 16)
    return {"tickmode": "array", "tickvals": list(range(0, length, every)), "ticktext": texts[::every]}


def _say(figure: go.Figure, values: NDArray[Any], block: tuple[int, int], *, theme: str) -> None:
    """Say in the small print what cannot be seen: block means, NaN, infinities."""
    said = []
    if block != (1, 1):
        what = f"{block[0]} × {block[1]}" if block[0] > 1 else f"{block[1]}"
        said.append(f"Each cell is the mean of {what} values.")
    if values.dtype.kind == "f":
        nan, endless = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        said += [f"{count:,} {name}." for count, name in ((nan, "NaN"), (endless, "infinite")) if count]
    if said:
        figure.update_layout(margin={"b": 84})
        small_print(figure, " ".join(said), theme)
