"""A perceptron as its units and weights: colour is the sign, width the size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, hidden_axis, small_print
from genviz.figures.cells import ink
from genviz.figures.colours import colorbar, table, tint
from genviz.figures.text import clean, number
from genviz.figures.theme import SIZE, palette, role

WIDTH_BINS = 5  # different widths of edges
NUMBERS_UP_TO = 12  # units in a column up to which each shows its value
NAMES_UP_TO = 24  # inputs up to which each is named
OUTPUTS_UP_TO = 5


@dataclass(frozen=True)
class Column:
    """One column of units.

    Parameters
    ----------
    title : str
    values : float array, (unit,)
        What each unit gives for the chosen item.
    names : sequence of str
        One per unit shown.
    hover : sequence of str
        One per unit shown, escaped already.
    marks : sequence of (str, int)
        Site and number of each unit: what a click on it gives.
    """

    title: str
    values: NDArray[np.float64]
    names: Sequence[str]
    hover: Sequence[str]
    marks: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Edges:
    """Weights between two neighbouring columns, as far as both ends are shown.

    Parameters
    ----------
    weights : float array, (unit, input)
    inputs : float array, (input,)
        Values that come in for the chosen item.
    """

    weights: NDArray[np.float64]
    inputs: NDArray[np.float64]


def perceptron_network(
    columns: Sequence[Column],
    edges: Sequence[Edges],
    *,
    width_by: str = "weight",
    most_edges: int = 400,
    note: str = "",
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw columns of units, inputs on the left, and the strongest edges between them.

    Parameters
    ----------
    columns : sequence of Column
    edges : sequence of Edges
        One fewer than columns.
    width_by : {"weight", "contribution"}
        Width and colour of an edge by ``w`` or by ``w·x``.
    most_edges : int
        The strongest so many edges are drawn.
    note : str
        What is left out, for the small print.
    title : str
    theme : {"light", "dark"}
    """
    room = 40 + 8 * max((len(clean(name, 22)) for name in columns[0].names), default=0)
    figure = blank(theme, clean(title, 120), margin={"l": room, "r": 24, "t": 84, "b": 72})
    drawn, of = _draw_edges(figure, columns, edges, width_by=width_by, most=most_edges, theme=theme)
    known = np.concatenate([np.abs(column.values) for column in columns])
    top = float(np.nanmax(known)) if np.isfinite(known).any() else 1.0
    for at, column in enumerate(columns):
        _draw_units(figure, at, column, top=top or 1.0, theme=theme, bar=at == len(columns) - 1)
        figure.add_annotation(
            x=at,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            yshift=4,
            text=_header(column, last=at == len(columns) - 1, longest=24 if len(columns) <= 5 else 12),
            showarrow=False,
            font={"size": SIZE - 1, "color": palette(theme).muted},
        )
    _draw_names(figure, columns, theme)
    what = "weight w" if width_by == "weight" else "contribution w·x"
    signs = " or ".join(_swatch(sign, theme) for sign in ("positive", "negative"))
    left_out = f"The {drawn:,} strongest of {of:,} edges. " if drawn < of else ""
    small_print(
        figure,
        f"Edge: {what}, {signs}, wider is larger in its layer. "
        f"{left_out}{'<br>' if note else ''}{clean(note, 200)}",
        theme,
    )
    figure.update_xaxes(range=[-0.06 * len(columns), len(columns) - 1 + 0.14 * len(columns)], **hidden_axis())
    figure.update_yaxes(range=[-1.12, 1.08], **hidden_axis())
    figure.update_layout(showlegend=False, hovermode="closest")
    return figure


def _header(column: Column, *, last: bool, longest: int) -> str:
    """A column's title; a single output stands there by its name, where no edge crosses it."""
    if last and len(column.names) == 1:
        return clean(column.names[0], 30).replace(" (", "<br>(")
    return clean(column.title, longest)


def heights(count: int) -> NDArray[np.float64]:
    """Places of a column's units, the first on top, within -1 … 1."""
    return np.linspace(1, -1, count) * (count - 1) / max(count, 4) if count > 1 else np.zeros(1)


def _swatch(sign: str, theme: str) -> str:
    return f'<span style="color:{role(sign, theme)}"><b>{sign}</b></span>'


def _draw_edges(
    figure: go.Figure,
    columns: Sequence[Column],
    edges: Sequence[Edges],
    *,
    width_by: str,
    most: int,
    theme: str,
) -> tuple[int, int]:
    values = [e.weights * (e.inputs[None, :] if width_by == "contribution" else 1.0) for e in edges]
    sizes = np.concatenate([np.abs(np.nan_to_num(v)).ravel() for v in values])
    least = np.sort(sizes)[-most] if sizes.size > most else 0.0
    lines: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
    middle: list[tuple[float, float, str]] = []
    for at, (value, edge) in enumerate(zip(values, edges, strict=True)):
        top = float(np.abs(np.nan_to_num(value)).max(initial=0.0)) or 1.0
        left, right = heights(len(columns[at].values)), heights(len(columns[at + 1].values))
        for unit, source in zip(*np.nonzero((np.abs(value) >= least) & (value != 0)), strict=True):
            sign = "positive" if value[unit, source] > 0 else "negative"
            width = min(int(abs(value[unit, source]) / top * WIDTH_BINS), WIDTH_BINS - 1)
            lines.setdefault((sign, width), []).append((at, left[source], at + 1, right[unit]))
            middle.append(
                (
                    at + 0.5,
                    (left[source] + right[unit]) / 2,
                    _said(columns, at, unit, source=source, edge=edge),
                )
            )
    for (sign, width), drawn in sorted(lines.items(), key=lambda item: item[0][1]):
        figure.add_trace(_lines(drawn, role(sign, theme), width, name=f"{sign} {width + 1} of {WIDTH_BINS}"))
    figure.add_scatter(
        x=plain([x for x, _, _ in middle]),
        y=plain([y for _, y, _ in middle]),
        mode="markers",
        marker={"size": 9, "opacity": 0},
        text=[text for _, _, text in middle],
        name="weights",
        hovertemplate="%{text}<extra></extra>",
    )
    return len(middle), int(sizes.size)


def _lines(
    drawn: list[tuple[float, float, float, float]], colour: str, width: int, *, name: str
) -> go.Scatter:
    ends = np.array(drawn, np.float64)
    gap = np.full(len(ends), np.nan)
    xs = np.stack([ends[:, 0], ends[:, 2], gap], axis=1).ravel()
    ys = np.stack([ends[:, 1], ends[:, 3], gap], axis=1).ravel()
    share = (width + 1) / WIDTH_BINS
    return go.Scatter(
        x=plain(xs),
        y=plain(ys),
        mode="lines",
        hoverinfo="skip",
        name=name,
        line={"color": tint(colour, 0.18 + 0.72 * share), "width": 0.6 + 6.0 * share**1.5},
    )


def _said(columns: Sequence[Column], at: int, unit: int, *, source: int, edge: Edges) -> str:
    weight, value = edge.weights[unit, source], edge.inputs[source]
    return (
        f"<b>{clean(columns[at].names[source])} → {clean(columns[at + 1].names[unit])}</b>"
        f"<br>w = {number(weight, 6)}<br>x = {number(value, 6)}<br>w·x = {number(weight * value, 6)}"
    )


def _draw_units(figure: go.Figure, at: int, column: Column, *, top: float, theme: str, bar: bool) -> None:
    count = len(column.values)
    colours = palette(theme)
    ys = heights(count)
    few = count <= NUMBERS_UP_TO
    marker: dict[str, Any] = {
        "size": _size(count),
        "color": plain(column.values),
        "cmin": -top,
        "cmax": top,
        "colorscale": [list(stop) for stop in colours.signed],
        "line": {"width": 1.5, "color": colours.muted},
        "showscale": bar,
        "opacity": 1,
        "colorbar": colorbar("unit's value"),
    }
    figure.add_scatter(
        x=plain(np.full(count, at)),
        y=plain(ys),
        mode="markers+text" if few else "markers",
        marker=marker,
        text=[f"{value:.2f}" for value in column.values] if few else None,
        name=clean(column.title),
        textfont={"size": SIZE - 4, "color": _inks(column.values, top, theme)},
        cliponaxis=False,
        customdata=[list(mark) for mark in column.marks] or None,
        hovertext=list(column.hover),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _inks(values: NDArray[np.float64], top: float, theme: str) -> list[str]:
    """Inks of the numbers on the units, by the units' colours; units without a number are pale."""
    shares = np.nan_to_num(np.clip(values / top / 2 + 0.5, 0, 1), nan=0.5)
    found: list[str] = ink(table(palette(theme).signed)[np.rint(shares * 255).astype(int)]).tolist()
    return found


def _draw_names(figure: go.Figure, columns: Sequence[Column], theme: str) -> None:
    """Names beside the inputs and below the outputs, where there is room for them."""
    for at, most in ((0, NAMES_UP_TO), (len(columns) - 1, OUTPUTS_UP_TO)):
        names = columns[at].names
        below = at > 0
        if below and len(names) == 1:
            continue
        shift = _size(len(names)) / 2 + (14 if below else 6)
        for y, name in zip(heights(len(names)), names if len(names) <= most else (), strict=False):
            figure.add_annotation(
                x=at,
                y=float(y),
                text=clean(name, 22),
                showarrow=False,
                xanchor="center" if below else "right",
                xshift=0 if below else -shift,
                yshift=-shift if below else 0,
                bgcolor=tint(palette(theme).page, 0.75) if below else None,
                font={"size": SIZE - 1 if len(names) <= 12 else SIZE - 3},
            )


def _size(count: int) -> float:
    """Diameter of a unit, in px."""
    return float(np.clip(300 / count, 7, 44))
