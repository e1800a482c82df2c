"""Neurons of a feed-forward network: who is active at a token, and what one of them is active for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.activations import FUNCTIONS
from genviz.figures.arrays import plain
from genviz.figures.base import foot, subplots
from genviz.figures.colours import tint
from genviz.figures.text import clean, number, token
from genviz.figures.theme import SIZE, palette, role

MOST = 10  # bars per list
WIDTHS = [0.18, 0.34, 0.32, 0.16]


@dataclass(frozen=True)
class Neuron:
    """One neuron over some texts.

    Parameters
    ----------
    unit : int
    words : sequence of sequences
        Tokens of each text.
    activations : float array, (token,)
        Of all texts, one after the other.
    before : float array, (token,), or None
        What went into the activation function.
    function : str
        Its name; empty when it is not known.
    gated : bool
        The function's result is multiplied by another number.
    positions : sequence of sequences of int, optional
        Of the tokens that the activations are of, in each text; all of them without it.
    why : str
        What to say where the function cannot be drawn; escaped already.
    """

    unit: int
    words: Sequence[Sequence[Any]]
    activations: NDArray[np.floating[Any]]
    before: NDArray[np.floating[Any]] | None
    function: str
    gated: bool
    why: str = ""
    positions: Sequence[Sequence[int]] | None = None

    @property
    def places(self) -> list[tuple[int, int]]:
        """Text and position of each activation."""
        told = [range(len(words)) for words in self.words] if self.positions is None else self.positions
        return [(text, at) for text, positions in enumerate(told) for at in positions]


def neurons(
    at_token: NDArray[np.floating[Any]],
    chosen: Neuron,
    *,
    word: str,
    position: int,
    layer: str,
    theme: str = "light",
) -> go.Figure:
    """Draw the most active neurons of a token, and one neuron's texts and function; a click chooses another.

    Parameters
    ----------
    at_token : float array, (unit,)
        Activations of the layer at one token.
    chosen : Neuron
    word : str
    position : int
    layer : str
    theme : {"light", "dark"}
    """
    titles = [f"most active at {token(word)} ({position})", f"where neuron {chosen.unit} is most active",
              _function_title(chosen), "how often"]  # fmt: skip
    tokens_read = len(chosen.activations)
    said = f"{clean(layer)} · neuron {chosen.unit} over {tokens_read:,} tokens of {len(chosen.words):,} texts"
    figure = subplots(
        theme, said, cols=4, column_widths=WIDTHS, horizontal_spacing=0.06, subplot_titles=titles
    )
    _active(figure, at_token, chosen.unit, theme)
    _places(figure, chosen, theme)
    _function(figure, chosen, theme)
    _histogram(figure, chosen, theme)
    figure.update_annotations(font={"size": SIZE - 2, "color": palette(theme).muted})
    figure.update_layout(showlegend=False, margin={"t": 66}, hovermode="closest", clickmode="event")
    foot(figure, chosen.why or _notes(chosen), theme)
    return figure


def _active(figure: go.Figure, values: NDArray[np.floating[Any]], unit: int, theme: str) -> None:
    order = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:MOST]
    colours = [palette(theme).accent if each == unit else role("feed_forward", theme) for each in order]
    figure.add_bar(
        orientation="h",
        x=plain(values[order]),
        y=plain(np.arange(len(order))),
        marker={"color": colours},
        customdata=[[str(each)] for each in order.tolist()],
        hovertemplate="neuron %{customdata[0]}: %{x:.5g}<br>click to look at it<extra></extra>",
        name="neurons",
        row=1,
        col=1,
    )
    _list(figure, 1, [f"#{each}" for each in order.tolist()], "neuron")
    figure.update_xaxes(title="activation", row=1, col=1, nticks=4, zerolinewidth=2)


def _places(figure: go.Figure, chosen: Neuron, theme: str) -> None:
    order = np.argsort(-np.nan_to_num(chosen.activations, nan=-np.inf), kind="stable")[:MOST]
    where = chosen.places
    labels = [_context(chosen.words[where[n][0]], where[n][1]) for n in order.tolist()]
    figure.add_bar(
        orientation="h",
        x=plain(chosen.activations[order]),
        y=plain(np.arange(len(order))),
        marker={"color": tint(role("feed_forward", theme), 0.4)},
        customdata=[_whole(chosen.words[where[n][0]], where[n][1]) for n in order.tolist()],
        hovertemplate="%{customdata}<br>activation %{x:.6g}<extra></extra>",
        name="tokens",
        row=1,
        col=2,
    )
    figure.add_scatter(
        x=plain(np.full(len(labels), 0.0)),
        y=plain(np.arange(len(labels))),
        mode="text",
        text=labels,
        textposition="middle right",
        textfont={"size": SIZE - 3},
        hoverinfo="skip",
        cliponaxis=False,
        name="places",
        row=1,
        col=2,
    )
    _list(figure, 2, labels, "")
    figure.update_yaxes(showticklabels=False, row=1, col=2)
    figure.update_xaxes(title="activation", row=1, col=2, nticks=4, zerolinewidth=2)


def _list(figure: go.Figure, column: int, labels: Sequence[str], title: str) -> None:
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=list(labels),
        title=title,
        showgrid=False,
        range=[max(len(labels), 4) - 0.4, -0.6],
        tickfont={"size": SIZE - 3},
        row=1,
        col=column,
    )


def _context(words: Sequence[Any], at: int) -> str:
    before = " ".join(token(word, 10) for word in words[max(0, at - 2) : at])
    return f"{'… ' if at > 2 else ''}{before} <b>{token(words[at], 14)}</b>"


def _whole(words: Sequence[Any], at: int) -> str:
    shown = [
        f"<b>{token(word)}</b>" if n == at else token(word)
        for n, word in enumerate(words[max(0, at - 12) : at + 8], start=max(0, at - 12))
    ]
    return " ".join(shown)


def _function(figure: go.Figure, chosen: Neuron, theme: str) -> None:
    if chosen.before is None:
        figure.add_scatter(x=[None], y=[None], row=1, col=3)
        figure.update_xaxes(showticklabels=False, showgrid=False, row=1, col=3)
        figure.update_yaxes(showticklabels=False, showgrid=False, row=1, col=3)
        return
    before = np.asarray(chosen.before, np.float64)
    finite = before[np.isfinite(before)]
    if chosen.function and finite.size:
        ends = (min(float(finite.min()), -3.0), max(float(finite.max()), 3.0))
        grid = np.linspace(*ends, 200)
        figure.add_scatter(
            x=plain(grid), y=plain(FUNCTIONS[chosen.function](grid)), mode="lines", hoverinfo="skip",
            line={"color": palette(theme).muted, "width": 2}, name=chosen.function, row=1, col=3,
        )  # fmt: skip
    figure.add_scatter(
        x=plain(before),
        y=plain(np.asarray(chosen.activations)),
        mode="markers",
        marker={"color": role("feed_forward", theme), "size": 6, "opacity": 0.6},
        hovertemplate="before %{x:.5g}<br>activation %{y:.5g}<extra></extra>",
        name="tokens",
        row=1,
        col=3,
    )
    figure.update_xaxes(title="before the function", row=1, col=3, nticks=5, zerolinewidth=2)
    figure.update_yaxes(title="activation", row=1, col=3, nticks=5, zerolinewidth=2)


def _histogram(figure: go.Figure, chosen: Neuron, theme: str) -> None:
    values = np.asarray(chosen.activations, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        values = np.zeros(1)
    counts, edges = np.histogram(values, bins=min(30, max(8, values.size // 4)))
    figure.add_bar(
        orientation="h",
        x=plain(counts),
        y=plain((edges[:-1] + edges[1:]) / 2),
        width=plain(np.diff(edges) * 0.92),
        marker={"color": role("feed_forward", theme)},
        customdata=[f"{number(a, 3)} to {number(b, 3)}" for a, b in pairwise(edges)],
        hovertemplate="%{customdata}: %{x} tokens<extra></extra>",
        name="histogram",
        row=1,
        col=4,
    )
    figure.update_xaxes(title="tokens", row=1, col=4, nticks=4)
    figure.update_yaxes(title="activation", row=1, col=4, nticks=5)


def _function_title(chosen: Neuron) -> str:
    if chosen.before is None:
        return "activation function"
    if not chosen.function:
        return "activation function: none of those known"
    return f"{clean(chosen.function)}{', then times a second number' if chosen.gated else ''}"


def _notes(chosen: Neuron) -> str:
    if chosen.before is None:
        return "What goes into the activation function was not seen in this network."
    if not chosen.function:
        return "None of the known functions gives these activations, so only the points are drawn."
    more = " The points leave the line by the gate's second factor." if chosen.gated else ""
    return (
        f"The function was found by trying which one turns the numbers before it into the activations.{more}"
    )
