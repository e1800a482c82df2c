"""A training as pictures: the loss, what is written, where words stand, whom heads look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.training import Organised
from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.clock import wind
from genviz.figures.colours import colorbar, tint
from genviz.figures.tables import table
from genviz.figures.text import clean, sentence, tokens
from genviz.figures.theme import ROLES, SIZE, palette, role

NAMED_UP_TO = 90  # points that have their names beside them
_LINES = {"train": "training batches", "validation": "texts not trained on"}
MEASURED = "texts on show"


@dataclass(frozen=True)
class Clock:
    """The steps of a training, and which of them is on show.

    Parameters
    ----------
    steps : sequence of int
    at : int
        Place among the steps.
    """

    steps: Sequence[int]
    at: int


def training_loss(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], clock: Clock, *,
    logarithmic: bool, note: str, theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Draw the loss along a training, each line by name, and where the clock stands.

    Parameters
    ----------
    lines : mapping of str to (steps, loss)
        ``train`` and ``validation`` have colours of their own.
    clock : Clock
    logarithmic : bool
        Steps on a logarithmic axis; step 0 has no place on it and stands at its left end.
    note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 20, "b": 60}, hovermode="closest")
    least = 0.5 * min([step for steps, _ in lines.values() for step in steps if step > 0], default=1.0)
    shift = (lambda steps: np.maximum(np.asarray(steps, float), least)) if logarithmic else np.asarray
    every = np.concatenate([np.asarray(loss, float) for _, loss in lines.values()])
    ends = [0.0, float(np.nanmax(every, initial=0.0)) * 1.04]
    frames = [[_hand(float(shift([step])[0]), ends, theme)] for step in clock.steps]
    figure.add_trace(frames[clock.at][0])
    for name, (steps, loss) in lines.items():
        _line(figure, name, (shift(steps), steps), loss, theme)
    figure.update_xaxes(title="training step", type="log" if logarithmic else "linear", zeroline=False)
    if logarithmic:
        last = max(step for steps, _ in lines.values() for step in steps)
        figure.update_xaxes(
            range=[float(np.log10(0.85 * least)), float(np.log10(1.15 * max(last, 2 * least)))],
            tickmode="array", tickvals=[float(each) for each in shift(clock.steps)],
            ticktext=[f"{step:,}" for step in clock.steps], showgrid=False,
        )  # fmt: skip
    figure.update_yaxes(title="loss (nats per token)", range=ends, zeroline=False)
    figure.update_layout(legend={"x": 0.94, "xanchor": "right", "y": 1})
    if note:
        foot(figure, clean(note, 400), theme)
    wind(figure, frames, steps=clock.steps, at=clock.at, theme=theme)
    return figure


def _hand(x: float, ends: list[float], theme: str) -> go.Scatter:
    return go.Scatter(
        x=[x, x], y=ends, mode="lines", line={"color": palette(theme).accent, "width": 2, "dash": "dot"},
        name="the clock", hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _line(figure: go.Figure, name: str, steps: tuple[Any, Any], loss: Sequence[float], theme: str) -> None:
    label = clean(_LINES.get(name, name))
    measured = name == MEASURED
    colour = role(name, theme) if name in ROLES else palette(theme).categories[2]
    placed, told = (plain(np.asarray(each, float)) for each in steps)
    figure.add_scatter(
        x=placed, y=plain(np.asarray(loss, float)), mode="markers" if measured else "lines",
        line={"color": colour, "width": 2}, marker={"color": colour, "size": 10, "symbol": "diamond"},
        name=label, customdata=told,
        hovertemplate=f"step %{{customdata:,.0f}}<br>%{{y:.4f}} nats<extra>{label}</extra>",
    )  # fmt: skip


def training_samples(
    texts: Sequence[str],
    clock: Clock,
    *,
    prompt: str,
    losses: Sequence[float],
    note: str,
    theme: str = "light",
) -> go.Figure:
    """List what the model writes after a prompt at each step; the clock's row stands out.

    Parameters
    ----------
    texts : sequence of str
        One per step.
    clock : Clock
    prompt : str
    losses : sequence of float
        On the texts on show, one per step, or none.
    note : str
    theme : {"light", "dark"}
    """
    colours = palette(theme)
    told = [f"{loss:.2f}" for loss in losses] or ["–"] * len(texts)
    rows = [[f"{step:,}", loss, text] for step, loss, text in zip(clock.steps, told, texts, strict=True)]
    figure = table(
        ["step", "loss", f"“{clean(prompt)} …”"], rows, widths=(0.11, 0.1, 0.79), theme=theme, size=SIZE - 2
    )
    figure.data[0].update(header={"height": 26}, cells={"height": 26})
    figure.update_layout(title={"text": sentence(clean(note, 160))}, margin={"t": 44})

    plain_rows = [colours.page if n % 2 else colours.panel for n in range(len(rows))]
    lit = [
        [tint(colours.accent, 0.22) if n == at else hue for n, hue in enumerate(plain_rows)]
        for at in range(len(rows))
    ]
    figure.data[0].cells.fill.color = [lit[clock.at]]
    frames = [[go.Table(cells={"fill": {"color": [hues]}})] for hues in lit]
    wind(figure, frames, steps=clock.steps, at=clock.at, theme=theme)
    return figure


def training_map(
    found: Organised, names: Sequence[str], clock: Clock, *, note: str, theme: str = "light"
) -> go.Figure:
    """Draw where the embedding of each token stands at each step; colours are the groups at the last step.

    Parameters
    ----------
    found : Organised
    names : sequence of str
        Tokens.
    clock : Clock
    note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 20, "b": 60})
    groups = range(int(found.groups.max()) + 1)
    shown = tokens(names)
    named = _spread(found.coordinates[-1], NAMED_UP_TO)
    members = [np.flatnonzero(found.groups == group) for group in groups]
    for group, chosen in enumerate(members):
        figure.add_trace(_group(found.coordinates[clock.at], shown, chosen, named, group, theme))
    low, high = found.coordinates.min(axis=(0, 1)), found.coordinates.max(axis=(0, 1))
    room = 0.06 * np.maximum(high - low, 1e-9)
    for axis, name, share, n in (
        (figure.layout.xaxis, "first", found.explained[0], 0),
        (figure.layout.yaxis, "second", found.explained[1], 1),
    ):
        axis.update(
            title=f"{name} axis ({share:.0%} of variance)", zeroline=False,
            range=[float(low[n] - room[n]), float(high[n] + room[n])],
        )  # fmt: skip
    figure.update_layout(showlegend=False)
    foot(figure, clean(note, 400), theme)
    frames = [
        [go.Scatter(x=plain(points[each, 0]), y=plain(points[each, 1])) for each in members]
        for points in found.coordinates
    ]
    wind(figure, frames, steps=clock.steps, at=clock.at, theme=theme)
    return figure


def _group(
    points: NDArray[Any], names: list[str], members: NDArray[np.intp], named: NDArray[np.bool_], group: int,
    theme: str,
) -> go.Scatter:  # fmt: skip
    colour = palette(theme).categories[group % len(palette(theme).categories)]
    return go.Scatter(
        x=plain(points[members, 0]), y=plain(points[members, 1]), mode="markers+text",
        text=[names[n] if named[n] else "" for n in members], textposition="top center",
        textfont={"size": SIZE - 4, "color": colour}, marker={"size": 6, "color": colour},
        customdata=[names[n] for n in members], name=f"group {group + 1}",
        hovertemplate="<b>%{customdata}</b><br>%{x:.3f}, %{y:.3f}<extra></extra>",
    )  # fmt: skip


def _spread(points: NDArray[Any], most: int) -> NDArray[np.bool_]:
    """Which points get their names: a small number of them, none too near to another's."""
    size = np.ptp(points, axis=0) + 1e-12
    kept: list[int] = []
    for at in range(len(points)):
        apart = np.abs(points[kept] - points[at]) / size if kept else np.ones((1, 2))
        if len(kept) < most and np.all((apart[:, 0] > 0.07) | (apart[:, 1] > 0.035)):
            kept.append(at)
    return np.asarray(np.isin(np.arange(len(points)), kept))


def training_heads(
    weights: NDArray[Any], words: Sequence[str], clock: Clock, *, labels: tuple[Sequence[str], Sequence[str]],
    note: str, theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Draw every head's attention on one text at each step, a layer per row, a head per column.

    Parameters
    ----------
    weights : float array, (step, layer, head, query, key)
        NaN where the mask forbids to look.
    words : sequence of str
        Tokens of the text.
    clock : Clock
    labels : (layers, heads)
        Names of rows and columns.
    note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 20, "b": 60})
    layers, heads = weights.shape[1:3]
    shown = tokens(words)
    pictures = [_mosaic(each) for each in weights]
    figure.add_heatmap(
        z=pictures[clock.at], zmin=0, zmax=1, text=_mosaic_text(shown, labels), hoverongaps=False,
        colorscale=[list(stop) for stop in palette(theme).magnitude],
        hovertemplate="%{text}<br>weight %{z:.4f}<extra></extra>", colorbar=colorbar("attention weight"),
    )  # fmt: skip
    side = len(shown) + 1
    middle = (len(shown) - 1) / 2
    for axis, title, count, names in (
        (figure.layout.xaxis, "head · token looked at", heads, labels[1]),
        (figure.layout.yaxis, "layer · token that looks", layers, labels[0]),
    ):
        axis.update(
            title=title, tickmode="array", tickvals=[n * side + middle for n in range(count)],
            ticktext=[clean(name, 14) for name in names], showgrid=False, zeroline=False,
            constrain="domain",
        )  # fmt: skip
    figure.update_yaxes(range=[layers * side - 1.5, -0.5], scaleanchor="x")
    figure.update_xaxes(range=[-0.5, heads * side - 1.5])
    foot(figure, clean(note, 400), theme)
    frames = [[go.Heatmap(z=picture)] for picture in pictures]
    wind(figure, frames, steps=clock.steps, at=clock.at, theme=theme)
    return figure


def _mosaic(weights: NDArray[Any]) -> NDArray[Any]:
    """Heads beside each other, layers below each other, a gap between."""
    layers, heads, queries, keys = weights.shape
    side = queries + 1
    tiles = np.full((layers * side - 1, heads * side - 1), np.nan, np.float32)
    for layer in range(layers):
        for head in range(heads):
            rows, columns = (
                slice(layer * side, layer * side + queries),
                slice(head * side, head * side + keys),
            )
            tiles[rows, columns] = weights[layer, head]
    return plain(tiles)


def _mosaic_text(shown: list[str], labels: tuple[Sequence[str], Sequence[str]]) -> list[list[str]]:
    names = [f"{clean(layer, 14)}, {clean(head, 14)}" for layer in labels[0] for head in labels[1]]
    side, heads = len(shown) + 1, len(labels[1])
    rows = []
    for row in range(len(labels[0]) * side - 1):
        layer, query = divmod(row, side)
        rows.append([
            f"{shown[query]} → {shown[column % side]} · {names[layer * heads + column // side]}"
            if query < len(shown) and column % side < len(shown) else ""
            for column in range(heads * side - 1)
        ])  # fmt: skip
    return rows
