"""One query meets one key: which channels make their score, and what the softmax makes of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.scores import ScoreSteps
from genviz.figures.arrays import plain
from genviz.figures.base import subplots
from genviz.figures.text import clean, number, tokens
from genviz.figures.theme import SIZE, role

MOST_KEYS = 24  # keys of the row that are drawn


def query_key(
    steps: ScoreSteps,
    keys: Sequence[Any],
    *,
    pair: tuple[int, int],
    queries: Sequence[Any],
    by_size: bool = False,
    theme: str = "light",
    title: str = "",
) -> go.Figure:
    """Draw query, key and their product by channel; beside them the whole row that the softmax shares out.

    Parameters
    ----------
    steps : ScoreSteps
    keys, queries : sequence
        Tokens or positions along the axes.
    pair : (query, key)
        Which of them meet.
    by_size : bool
        Channels in the order of what they add, largest first; else as they are numbered.
    theme : {"light", "dark"}
    title : str
    """
    figure = subplots(
        theme, clean(title), said(steps, pair[1]), rows=3, cols=2, column_widths=[0.64, 0.36],
        specs=[[{}, {"rowspan": 3}], [{}, None], [{}, None]],
        shared_xaxes=True, vertical_spacing=0.06, horizontal_spacing=0.16,
    )  # fmt: skip
    order = np.argsort(-np.abs(steps.product)) if by_size else np.arange(len(steps.product))
    names = [str(channel) for channel in order]
    q, k = tokens([queries[pair[0]], keys[pair[1]]])
    for row, (name, values) in enumerate(((f"q: {q}", steps.query), (f"k: {k}", steps.key)), 1):
        colour = role("query" if row == 1 else "key", theme)
        _bars(figure, names, values[order], row=row, title=name, colours=[colour] * len(order))
    product = steps.product[order]
    signs = [role("positive" if value >= 0 else "negative", theme) for value in product]
    _bars(figure, names, product, row=3, title="q × k", colours=signs)
    figure.update_xaxes(title="channel" + (", by size of q × k" if by_size else ""), row=3, col=1)
    _row(figure, steps, tokens(keys), pair[1], theme=theme)
    figure.update_layout(showlegend=False, bargap=0.15)
    return figure


def said(steps: ScoreSteps, key: int) -> str:
    """The steps in one line of numbers."""
    parts = [f"q·k = {number(steps.dot)}", f"scaled {number(steps.scaled)}"]
    if steps.capped != steps.scaled:
        parts.append(f"soft-capped {number(steps.capped)}")
    if steps.bias:
        parts.append(f"with bias {number(steps.shaped)}")
    if steps.allowed[key]:
        parts.append(f"softmax over {steps.allowed.sum():,} keys {number(steps.weights[key])}")
    else:
        parts.append("masked: weight 0")
    return " → ".join(parts)


def _bars(
    figure: go.Figure, names: list[str], values: NDArray[Any], *, row: int, title: str, colours: list[str]
) -> None:
    figure.add_bar(
        x=names,
        y=plain(values),
        marker={"color": colours},
        hovertemplate=f"channel %{{x}}<br>{title.replace('%{', '%&#123;')} = %{{y:.6f}}<extra></extra>",
        name=title,
        row=row,
        col=1,
    )
    figure.update_xaxes(type="category", showticklabels=row == 3, nticks=16, row=row, col=1)
    figure.update_yaxes(title=title, zeroline=True, nticks=4, row=row, col=1)


def _row(figure: go.Figure, steps: ScoreSteps, keys: list[str], key: int, *, theme: str) -> None:
    """The weights of the whole row: the strongest keys, and always the chosen one."""
    shown = np.flatnonzero(steps.allowed)
    if len(shown) > MOST_KEYS:
        shown = shown[np.argsort(-steps.weights[shown])[:MOST_KEYS]]
    at = sorted({int(each) for each in shown} | {key})
    names = [f"{keys[each]} ({each})" for each in at]
    states = [number(steps.scores[each]) if steps.allowed[each] else "masked" for each in at]
    figure.add_bar(
        orientation="h",
        y=names,
        x=plain(steps.weights[at]),
        marker={"color": [role("key", theme) if each == key else role("query", theme) for each in at]},
        text=[f" {steps.weights[each]:.3f}" if steps.allowed[each] else " masked" for each in at],
        textposition="outside",
        cliponaxis=False,
        textfont={"size": SIZE - 2},
        customdata=at,
        hovertext=[f"{name}<br>score {state}" for name, state in zip(names, states, strict=True)],
        hovertemplate="%{hovertext}<br>weight %{x:.6f}<extra></extra>",
        name="key",
        row=1,
        col=2,
    )
    left_out = int(steps.allowed.sum()) - len(at)
    more = f" (the strongest; {left_out:,} more)" if left_out > 0 else ""
    figure.update_xaxes(title="weight after softmax", range=[0, 1.18], row=1, col=2)
    figure.update_yaxes(title="key" + more, autorange="reversed", type="category", row=1, col=2)
