"""Layers × tokens: one number per block and position, the input below and the output on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank
from genviz.figures.colours import colorbar, not_a_number
from genviz.figures.text import clean, number, tokens
from genviz.figures.theme import SIZE, palette

SPOKEN_UP_TO = 5_000  # cells up to which each says on hover what it is, in words
CLICKED_UP_TO = 60_000  # cells up to which each answers a click
NAMED_UP_TO = 160  # tokens up to which a click gives one by its name in a list (text), beyond by its number
LABELS_UP_TO = 48  # words along the axis that can be read


@dataclass(frozen=True)
class Scale:
    """What the colours mean.

    Parameters
    ----------
    unit : str
        Title of the colour bar, escaped already.
    span : (low, high), optional
        Values of the weakest and the strongest colour; without it, those of the map, and a logarithmic
        scale where a few values are much larger than the others.
    ticks : (values, texts), optional
        Of the colour bar.
    """

    unit: str
    span: tuple[float, float] | None = None
    ticks: tuple[Sequence[float], Sequence[str]] | None = None


def layer_map(
    values: NDArray[Any],
    *,
    words: Sequence[Any],
    layers: Sequence[str],
    scale: Scale,
    chosen: int,
    hover: Sequence[Sequence[str]] | None = None,
    cells: Sequence[Sequence[str]] | None = None,
    theme: str = "light",
) -> go.Figure:
    """Draw a map of layers and tokens; a click gives ``[position]``.

    Parameters
    ----------
    values : float array, (layer, token)
    words : sequence
        Tokens or positions.
    layers : sequence of str
        First below.
    scale : Scale
    chosen : int
        The column with a frame around it.
    hover : nested sequence of str, optional
        One per cell, escaped already, after the cell's place.
    cells : nested sequence of str, optional
        What stands in the cells, escaped already.
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 12})
    names = tokens(map(str, words))
    shown, colours = _colours(np.asarray(values, np.float64), scale)
    figure.add_heatmap(
        z=plain(shown),
        colorscale=[list(stop) for stop in palette(theme).magnitude],
        xgap=1,
        ygap=1,
        hoverongaps=False,
        name="layers",
        **colours,
        **_speaking(values, names, layers, hover=hover),
        **({} if cells is None else {"texttemplate": "%{text}", "text": cells}),
    )
    if scale.ticks is not None:
        figure.data[0].colorbar.update(tickvals=list(scale.ticks[0]), ticktext=list(scale.ticks[1]))
    _not_numbers(figure, values, theme)
    _frame(figure, chosen, len(layers), theme)
    _axes(figure, names, layers)
    return figure


def _colours(values: NDArray[np.float64], scale: Scale) -> tuple[NDArray[np.float64], dict[str, Any]]:
    finite = values[np.isfinite(values)]
    if scale.span is not None or not finite.size or not _uneven(finite):
        low, high = scale.span or (0.0, float(finite.max()) if finite.size else 1.0)
        return values, {"zmin": low, "zmax": high or 1.0, "colorbar": colorbar(scale.unit)}
    with np.errstate(divide="ignore"):
        logs = np.log10(np.where(values > 0, values, np.nan))
    low, high = float(np.nanmin(logs)), float(np.nanmax(logs))
    ticks = np.linspace(low, high, 5)
    said = colorbar(
        f"{scale.unit}, log scale", tickvals=ticks.tolist(), ticktext=[number(10.0**t, 3) for t in ticks]
    )
    return logs, {"zmin": low, "zmax": high, "colorbar": said}


def _uneven(finite: NDArray[np.float64]) -> bool:
    return bool(finite.min() >= 0 and finite.max() > 12 * max(float(np.median(finite)), 1e-30))


def _speaking(
    values: NDArray[Any],
    names: Sequence[str],
    layers: Sequence[str],
    *,
    hover: Sequence[Sequence[str]] | None,
) -> dict[str, Any]:
    each = [str(at) if len(names) <= NAMED_UP_TO else at for at in range(len(names))]
    clicks = {"customdata": [[[at] for at in each] for _ in layers]}
    clicks = clicks if np.size(values) <= CLICKED_UP_TO else {}
    if np.size(values) > SPOKEN_UP_TO:
        return {"hovertemplate": "position %{x}, layer %{y}<br>%{z:.5g}<extra></extra>", **clicks}
    places = [
        [
            f"<b>{name}</b> ({at}) · {clean(layer, 40)}<br>"
            + (hover[row][at] if hover is not None else number(float(values[row][at]), 6))
            for at, name in enumerate(names)
        ]
        for row, layer in enumerate(layers)
    ]
    return {"hovertext": places, "hovertemplate": "%{hovertext}<extra></extra>", **clicks}


def _not_numbers(figure: go.Figure, values: NDArray[Any], theme: str) -> None:
    where = np.isnan(np.asarray(values, np.float64))
    if where.any():
        colour = not_a_number(theme)
        figure.add_heatmap(
            z=plain(np.where(where, 0.0, np.nan)),
            colorscale=[[0, colour], [1, colour]],
            showscale=False,
            hoverongaps=False,
            hovertemplate="not a number (NaN)<extra></extra>",
            name="not a number",
            xgap=1,
            ygap=1,
        )


def _frame(figure: go.Figure, chosen: int, rows: int, theme: str) -> None:
    figure.add_shape(
        type="rect",
        x0=chosen - 0.5,
        x1=chosen + 0.5,
        y0=-0.5,
        y1=rows - 0.5,
        line={"color": palette(theme).accent, "width": 2},
    )


def _axes(figure: go.Figure, names: Sequence[str], layers: Sequence[str]) -> None:
    flat = {"showgrid": False, "zeroline": False}
    every = -(-len(names) // LABELS_UP_TO)
    figure.update_xaxes(
        title="token",
        tickmode="array",
        tickvals=list(range(0, len(names), every)),
        ticktext=list(names[::every]),
        tickangle=-45 if max(map(len, names)) * 9 > 800 / len(names) else 0,
        tickfont={"size": SIZE - 2 if len(names) <= 24 else SIZE - 4},
        range=[-0.5, len(names) - 0.5],
        **flat,
    )
    step = -(-len(layers) // 30)
    figure.update_yaxes(
        title="layer",
        tickmode="array",
        tickvals=list(range(0, len(layers), step)),
        ticktext=[clean(layer, 24) for layer in layers[::step]],
        range=[-0.5, len(layers) - 0.5],
        **flat,
    )
    figure.update_layout(hovermode="closest", clickmode="event", dragmode=False)
