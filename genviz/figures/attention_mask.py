"""The mask of a layer as a mask: who may look at whom, and what forbids it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.masking import Codes, Reason
from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import colorbar, masked, mix
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette

LABELS_UP_TO = 40
NAMES = {
    Reason.VISIBLE: "may look",
    Reason.PADDING: "padding",
    Reason.LATER: "later than the query",
    Reason.WINDOW: "outside the window",
    Reason.BIAS: "ruled out by what is added",
    Reason.ZERO: "always zero",
}


def attention_mask(
    codes: Codes,
    *,
    places: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]],
    queries: Sequence[Any],
    keys: Sequence[Any],
    bias: NDArray[Any] | None = None,
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw a colour per reason; where a bias is added, cells that may be looked at show its value.

    Parameters
    ----------
    codes : uint8 array, (query, key)
        Values of :class:`genviz.analysis.masking.Reason`.
    places : (int array, int array)
        Positions of the rows and columns that are drawn.
    queries, keys : sequence
        What stands along the axes.
    bias : float array, (query, key), optional
    title, note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title, 120), margin={"t": 84, "b": 108})
    names = tokens(map(str, queries)), tokens(map(str, keys))
    for reason in Reason:
        here = codes == reason
        if here.any() and not (reason == Reason.VISIBLE and bias is not None):
            figure.add_trace(_cells(here, reason, places, theme))
            figure.add_trace(_legend(reason, theme))
    if bias is not None:
        figure.add_trace(_values(np.where(codes == Reason.VISIBLE, bias, np.nan), places, theme))
    _axes(figure, names, places)
    small_print(figure, clean(note, 700), theme)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "itemclick": False,
                "itemdoubleclick": False, "traceorder": "normal"},
    )  # fmt: skip
    return figure


def _colour(reason: Reason, theme: str) -> str:
    colours = palette(theme)
    share = {Reason.VISIBLE: 0.75, Reason.PADDING: 0.45, Reason.WINDOW: 0.45, Reason.BIAS: 0.45}
    hue = {Reason.VISIBLE: 0, Reason.PADDING: 3, Reason.WINDOW: 4, Reason.BIAS: 1}
    if reason not in hue:
        return masked(theme)
    return mix(colours.page, colours.categories[hue[reason]], share[reason])


def _cells(
    here: NDArray[np.bool_], reason: Reason, places: tuple[NDArray[Any], NDArray[Any]], theme: str
) -> go.Heatmap:
    colour = _colour(reason, theme)
    gap = 0.5 if max(here.shape) <= LABELS_UP_TO else 0
    return go.Heatmap(
        z=plain(np.where(here, 0.0, np.nan)), x=plain(places[1]), y=plain(places[0]),
        colorscale=[[0, colour], [1, colour]], showscale=False, hoverongaps=False, xgap=gap, ygap=gap,
        hovertemplate=f"query %{{y}}, key %{{x}}<br>{NAMES[reason]}<extra></extra>", name=NAMES[reason],
    )  # fmt: skip


def _legend(reason: Reason, theme: str) -> go.Scatter:
    marker = {"symbol": "square", "size": 12, "color": _colour(reason, theme)}
    return go.Scatter(
        x=[None], y=[None], mode="markers", marker=marker, name=NAMES[reason], hoverinfo="skip"
    )  # fmt: skip


def _values(bias: NDArray[Any], places: tuple[NDArray[Any], NDArray[Any]], theme: str) -> go.Heatmap:
    finite = bias[np.isfinite(bias)]
    top = float(np.abs(finite).max()) if finite.size and np.any(finite) else 1.0
    return go.Heatmap(
        z=plain(bias), x=plain(places[1]), y=plain(places[0]), zmin=-top, zmax=top,
        colorscale=[list(stop) for stop in palette(theme).signed], colorbar=colorbar("added to the score"),
        hovertemplate="query %{y}, key %{x}<br>adds %{z:.6g} to the score<extra></extra>", hoverongaps=False,
        name="bias",
    )  # fmt: skip


def _axes(
    figure: go.Figure, names: tuple[list[str], list[str]], places: tuple[NDArray[Any], NDArray[Any]]
) -> None:
    for update, labels, at, title in (
        (figure.update_yaxes, names[0], places[0], "query: the token that looks"),
        (figure.update_xaxes, names[1], places[1], "key: the token looked at"),
    ):
        step = int(at[1] - at[0]) if len(at) > 1 else 1
        every = max(1, -(-len(at) // LABELS_UP_TO))
        update(
            title=title, tickvals=[int(n) for n in at[::every]], ticktext=labels[::every], showgrid=False,
            zeroline=False, constrain="domain", range=[at[0] - step / 2, at[-1] + step / 2],
            tickfont={"size": SIZE - 1 if len(at) <= 16 else SIZE - 3 if len(at) <= 28 else SIZE - 5},
        )  # fmt: skip
    low, high = figure.layout.yaxis.range
    figure.update_yaxes(range=[high, low], scaleanchor="x")
    figure.update_xaxes(tickangle=-45 if len(places[1]) > 8 else 0)
