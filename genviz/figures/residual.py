"""The residual stream: lengths of its vectors, and one token's way through the sub-layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.layer_map import Scale, layer_map
from genviz.figures.text import clean, number, token
from genviz.figures.theme import SIZE, palette, role

UNIT = "length ‖x‖₂"
NOT_SUMMED = (
    "What is added does not sum to the stream as recorded (it is scaled or normalised once more on its way), "
    "so the line has points behind whole blocks only."
)


@dataclass(frozen=True)
class Stop:
    """One sub-layer on a token's way.

    Parameters
    ----------
    layer : str
        Short name of its block.
    part, label : str
        A role of the theme (``"attention"``, …), and how it is called.
    added : float
        Length of what it adds.
    total : float or None
        Length of the stream with it; None where the recording does not tell.
    cosine : float or None
        Between what is there and what is added.
    normalised : float or None
        Length behind the norm.
    after : float or None
        Length behind the whole block, at its last sub-layer.
    """

    layer: str
    part: str
    label: str
    added: float
    total: float | None
    cosine: float | None
    normalised: float | None
    after: float | None


def residual_norms(
    values: NDArray[Any],
    *,
    words: Sequence[Any],
    layers: Sequence[str],
    chosen: int,
    what: str,
    theme: str = "light",
) -> go.Figure:
    """Draw lengths as a map of layers and tokens.

    Parameters
    ----------
    values : float array, (layer, token)
    words, layers : sequence
    chosen : int
        The token that other views follow.
    what : str
        Whose length it is.
    theme : {"light", "dark"}
    """
    figure = layer_map(values, words=words, layers=layers, scale=Scale(UNIT), chosen=chosen, theme=theme,
                       cells=_numbers(values))  # fmt: skip
    figure.update_layout(title=f"{clean(what)}: {UNIT}", margin={"t": 44})
    return figure


def residual_path(
    stops: Sequence[Stop],
    *,
    word: str,
    position: int,
    start: float | None,
    normalised: str,
    theme: str = "light",
) -> go.Figure:
    """Draw what each sub-layer adds to one token as bars, and the length of the stream as a line.

    Parameters
    ----------
    stops : sequence of Stop
        In the order in which they ran.
    word : str
    position : int
    start : float or None
        Length before the first block.
    normalised : str
        What the norms' marks mean; empty when there are none.
    theme : {"light", "dark"}
    """
    figure = blank(theme, f"{token(word)} ({position}) on its way up")
    for part in dict.fromkeys(stop.part for stop in stops):
        _bars(figure, stops, part, theme)
    _line(figure, stops, start, theme)
    if normalised:
        _marks(figure, stops, normalised, theme)
    _path_axes(figure, stops, start)
    if any(stop.total is None for stop in stops):
        foot(figure, NOT_SUMMED, theme)
    return figure


def _numbers(values: NDArray[Any]) -> list[list[str]] | None:
    if values.shape[1] > 16 or values.shape[0] > 16:
        return None
    return [[number(float(value), 3) for value in row] for row in values]


def _bars(figure: go.Figure, stops: Sequence[Stop], part: str, theme: str) -> None:
    places = [at for at, stop in enumerate(stops) if stop.part == part]
    figure.add_bar(
        x=plain(np.array(places)),
        y=plain(np.array([stops[at].added for at in places])),
        marker={"color": role(part, theme)},
        name=stops[places[0]].label,
        customdata=[_said(stops[at]) for at in places],
        hovertemplate="%{customdata}<extra></extra>",
        width=0.6,
    )


def _said(stop: Stop) -> str:
    lines = [
        f"<b>layer {clean(stop.layer)} · {stop.label}</b>",
        f"adds a vector of length {number(stop.added, 6)}",
    ]
    if stop.cosine is not None:
        lines.append(f"cosine with the stream {number(stop.cosine, 4)}")
    if stop.total is not None:
        lines.append(f"stream with it {number(stop.total, 6)}")
    if stop.normalised is not None:
        lines.append(f"normalised {number(stop.normalised, 6)}")
    return "<br>".join(lines)


def _line(figure: go.Figure, stops: Sequence[Stop], start: float | None, theme: str) -> None:
    points = [(-1.0, start)] if start is not None else []
    for at, stop in enumerate(stops):
        value = stop.total if stop.total is not None else stop.after
        if value is not None:
            points.append((float(at), value))
    figure.add_scatter(
        x=plain(np.array([at for at, _ in points])),
        y=plain(np.array([value for _, value in points])),
        mode="lines+markers",
        line={"color": palette(theme).text, "width": 2},
        name="stream",
        hovertemplate="stream %{y:.6g}<extra></extra>",
    )


def _marks(figure: go.Figure, stops: Sequence[Stop], says: str, theme: str) -> None:
    places = [(at, stop.normalised) for at, stop in enumerate(stops) if stop.normalised is not None]
    figure.add_scatter(
        x=plain(np.array([at for at, _ in places])),
        y=plain(np.array([value for _, value in places], np.float64)),
        mode="markers",
        marker={"symbol": "diamond-open", "size": 10, "color": palette(theme).muted, "line": {"width": 2}},
        name=says,
        hovertemplate=f"{says}: %{{y:.6g}}<extra></extra>",
    )


def _path_axes(figure: go.Figure, stops: Sequence[Stop], start: float | None) -> None:
    layers = list(dict.fromkeys(stop.layer for stop in stops))
    middles = [
        float(np.mean([at for at, stop in enumerate(stops) if stop.layer == layer])) for layer in layers
    ]
    if start is not None:
        layers, middles = ["start", *layers], [-1.0, *middles]
    every = -(-len(layers) // 16)
    figure.update_xaxes(
        title="layer, its sub-layers in order",
        tickmode="array",
        tickvals=middles[::every],
        ticktext=[clean(layer, 16) for layer in layers[::every]],
        showgrid=False,
        zeroline=False,
        range=[-1.6 if start is not None else -0.6, len(stops) - 0.4],
    )
    figure.update_yaxes(title=UNIT, rangemode="tozero")
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": SIZE - 2}},
        margin={"t": 96},
        barmode="overlay",
    )
