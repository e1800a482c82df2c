"""What a model keeps and computes per token, as its text grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import subplots
from genviz.figures.text import clean
from genviz.figures.theme import palette


@dataclass(frozen=True)
class CostLine:
    """One model's costs over the length of the text.

    Parameters
    ----------
    name : str
    context : float array, (length,)
        Tokens.
    cache : float array, (length,)
        Bytes of the key/value cache.
    flops : float array, (length,)
        Floating-point operations for one more token.
    at : (float, float, float)
        The chosen length, and both costs there.
    """

    name: str
    context: NDArray[Any]
    cache: NDArray[Any]
    flops: NDArray[Any]
    at: tuple[float, float, float]


def running_cost(lines: Sequence[CostLine], *, title: str = "", theme: str = "light") -> go.Figure:
    """Draw cache and operations side by side over the length of the text, both logarithmic.

    Parameters
    ----------
    lines : sequence of CostLine
        The first is the model on show.
    title : str
    theme : {"light", "dark"}
    """
    figure = subplots(theme, clean(title), cols=2, horizontal_spacing=0.14)
    for number, line in enumerate(lines):
        colour = palette(theme).accent if number == 0 else palette(theme).categories[1]
        for column, (values, chosen, unit) in enumerate(
            ((line.cache, line.at[1], "B"), (line.flops, line.at[2], "FLOP")), 1
        ):
            _line(figure, line, values, column=column, unit=unit, colour=colour)
            _mark(figure, line, chosen, column=column, unit=unit, colour=colour)
    axis = {"type": "log", "exponentformat": "SI", "dtick": 1}
    figure.update_xaxes(title="tokens so far", **axis)
    figure.update_yaxes(title="key/value cache (bytes)", col=1, **axis)
    figure.update_yaxes(title="operations for one more token (FLOP)", col=2, **axis)
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(legend=legend, showlegend=len(lines) > 1, margin={"t": 84})
    return figure


def _line(
    figure: go.Figure, line: CostLine, values: NDArray[Any], *, column: int, unit: str, colour: str
) -> None:
    figure.add_scatter(
        x=plain(line.context),
        y=plain(values),
        mode="lines",
        line={"color": colour, "width": 3},
        name=clean(line.name, 40),
        legendgroup=clean(line.name),
        showlegend=column == 1,
        hovertemplate=f"%{{x:,}} tokens<br>%{{y:.4s}}{unit}<extra>{clean(line.name, 40)}</extra>",
        row=1,
        col=column,
    )


def _mark(figure: go.Figure, line: CostLine, value: float, *, column: int, unit: str, colour: str) -> None:
    if value <= 0:  # has no place on a logarithmic axis
        return
    figure.add_scatter(
        x=[line.at[0]],
        y=[value],
        mode="markers+text",
        marker={"color": colour, "size": 12},
        text=[f"<b>{shown(value, unit)}</b>"],
        textposition="top left",
        name=clean(line.name, 40),
        showlegend=False,
        hovertemplate=f"%{{x:,}} tokens<br>{value:,.0f} {unit}<extra>{clean(line.name, 40)}</extra>",
        row=1,
        col=column,
    )


def shown(value: float, unit: str) -> str:
    """Write a quantity with a decimal prefix.

    Examples
    --------
    >>> shown(9_663_676_416, "B"), shown(512, "FLOP")
    ('9.66 GB', '512 FLOP')
    """
    for prefix in ("", "k", "M", "G", "T", "P", "E", "Z", "Y"):
        if value < 1000 or prefix == "Y":
            return f"{value:.0f} {unit}" if not prefix else f"{value:.3g} {prefix}{unit}"
        value /= 1000
    raise AssertionError("unreachable: the last prefix always returns")
