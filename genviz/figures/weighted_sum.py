"""One unit of a network spelt out: how its inputs add up."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.perceptron import WeightedSum
from genviz.figures.arrays import plain
from genviz.figures.base import blank
from genviz.figures.text import clean, number
from genviz.figures.theme import SIZE, palette, role

MOST_BARS = 16  # inputs with a bar of their own; the others are one bar together


def weighted_sum(
    found: WeightedSum,
    *,
    names: Sequence[str],
    hover: Sequence[str],
    output: float,
    theme: str = "light",
    title: str = "",
) -> go.Figure:
    """Draw each ``w·x`` where the sum before it ends, then the bias, the sum, and the activation.

    Parameters
    ----------
    found : WeightedSum
    names : sequence of str
        One per input.
    hover : sequence of str
        One per input, escaped already.
    output : float
        After the activation function.
    theme : {"light", "dark"}
    title : str
    """
    figure = blank(theme, clean(title), margin={"l": 24, "r": 84, "b": 60})
    parts, labels, told = _bars(found, names, hover)
    sums = np.concatenate([[0.0], np.cumsum(parts)])
    colours = [role("positive" if part >= 0 else "negative", theme) for part in parts]
    total = palette(theme).muted
    labels += ["sum z", "activation"]
    told += [f"<b>z = Σ w·x + b</b><br>{found.total:.6g}", f"<b>after the activation</b><br>{output:.6g}"]
    values = np.concatenate([parts, [found.total, output]])
    figure.add_bar(
        orientation="h",
        y=plain(np.arange(len(values))),
        x=plain(values),
        base=plain(np.concatenate([sums[:-1], [0.0, 0.0]])),
        marker={"color": [*colours, total, palette(theme).accent], "line": {"width": 0}},
        text=[f"{value:+.3f}" for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertext=told,
        hovertemplate="%{hovertext}<extra></extra>",
        name="w·x",
    )
    _steps(figure, sums, theme)
    ends = np.concatenate([sums, [output]])
    room = 0.14 * (float(ends.max() - ends.min()) or 1.0)
    figure.update_xaxes(
        title="running sum of w·x (no unit)", zerolinewidth=2, range=[ends.min() - room, ends.max() + room]
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(values))),
        ticktext=[clean(name, 28) for name in labels],
        range=[len(values) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
        title="input",
    )
    figure.update_layout(showlegend=False, bargap=0.35)
    figure.add_hline(y=len(parts) - 0.5, line={"width": 1, "color": palette(theme).line})
    return figure


def _bars(
    found: WeightedSum, names: Sequence[str], hover: Sequence[str]
) -> tuple[np.ndarray, list[str], list[str]]:
    """Bars of inputs and bias; above :data:`MOST_BARS` inputs the weaker ones are put together."""
    told_bias = f"<b>bias b</b><br>{number(found.bias, 6)}"
    if len(found.parts) <= MOST_BARS:
        parts = np.append(found.parts, found.bias)
        return parts, [*names, "bias b"], [*hover, told_bias]
    strong = np.sort(np.argsort(-np.abs(found.parts), kind="stable")[: MOST_BARS - 1])
    rest = np.setdiff1d(np.arange(len(found.parts)), strong)
    together = float(found.parts[rest].sum())
    parts = np.concatenate([found.parts[strong], [together, found.bias]])
    labels = [*(names[n] for n in strong), f"{len(rest)} others", "bias b"]
    return (
        parts,
        labels,
        [*(hover[n] for n in strong), f"<b>{len(rest)} others</b><br>{together:.6g}", told_bias],
    )


def _steps(figure: go.Figure, sums: np.ndarray, theme: str) -> None:
    """Thin lines that carry the sum from each bar to the next."""
    xs, ys = [], []
    for at, value in enumerate(sums[1:]):
        xs += [value, value, np.nan]
        ys += [at, at + 1, np.nan]
    figure.add_scatter(
        x=plain(np.array(xs)),
        y=plain(np.array(ys)),
        mode="lines",
        hoverinfo="skip",
        name="running sum",
        line={"color": palette(theme).muted, "width": 1, "dash": "dot"},
    )
    figure.update_layout(uniformtext={"mode": "show", "minsize": SIZE - 3})
