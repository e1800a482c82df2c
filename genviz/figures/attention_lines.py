"""One attention head as lines from each token to the tokens it looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, hidden_axis, small_print
from genviz.figures.colours import tint
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette, role

BINS = 8  # line widths; one trace each, however many lines there are
MOST_LINES = 600
LONGEST_WORD = 12  # characters of a token that have room; hover gives all of them
BEND = 20  # points along a line
BREAK = 0.7  # of the distance of two tokens, added where tokens between them are not shown


@dataclass(frozen=True)
class Side:
    """Tokens on one side.

    Parameters
    ----------
    names : sequence
    positions : sequence of int, optional
        Where they stand in the whole text, in order; 0, 1, 2 … without it.
    picked : int, optional
        The place here (not the position) of one whose links alone are drawn.
    """

    names: Sequence[Any]
    positions: Sequence[int] | NDArray[np.int64] | None = None
    picked: int | None = None

    @property
    def numbers(self) -> list[int]:
        """Positions of all tokens."""
        return list(range(len(self.names)) if self.positions is None else map(int, self.positions))


def attention_lines(
    weights: NDArray[Any],
    *,
    queries: Side,
    keys: Side,
    threshold: float = 0.05,
    note: str = "",
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the lines; width and strength of a line are its weight.

    Parameters
    ----------
    weights : float array, (query, key)
        Masked cells are 0.
    queries, keys : Side
        Tokens on the left and on the right; where one is picked on both, the links of either are drawn.
    threshold : float
        Weaker links are not drawn.
    note : str
        What is left out, for the small print.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), margin={"l": 24, "r": 24, "t": 64, "b": 56})
    shown = np.array(np.nan_to_num(weights), np.float32)
    query, key = queries.picked, keys.picked
    if query is not None or key is not None:
        chosen = (np.arange(len(shown)) == query)[:, None] | (np.arange(shown.shape[1]) == key)[None, :]
        shown[~chosen] = 0
    rows, columns = np.nonzero((shown >= threshold) & (shown > 0))
    strongest = np.argsort(-shown[rows, columns], kind="stable")[:MOST_LINES]
    links = np.stack([rows, columns], axis=1)[np.sort(strongest)]
    sides, places = (queries, keys), _places(queries.numbers, keys.numbers)
    for trace in _lines(links, shown, places, theme=theme):
        figure.add_trace(trace)
    figure.add_trace(_middles(links, shown, places, sides))
    _words(figure, sides, places, shown=shown, links=links, theme=theme)
    drawn = f"{len(links):,} link{'s' * (len(links) != 1)}"
    if len(rows) > len(links):
        drawn = f"The {len(links):,} strongest of {len(rows):,} links"
    said = f"{drawn} of weight ≥ {threshold:g}{_hidden(shown, threshold)}."
    small_print(figure, f"{said} {clean(note, 500)}", theme)
    figure.update_xaxes(range=[-0.42, 1.42], **hidden_axis())
    figure.update_yaxes(range=[-1.06, 1.06], **hidden_axis())
    figure.update_layout(
        showlegend=False, hovermode="closest", hoverdistance=40, clickmode="event", dragmode=False
    )
    return figure


def _hidden(weights: NDArray[np.float32], threshold: float) -> str:
    """How much weight the links have that are too weak to be drawn."""
    total, weak = float(weights.sum()), float(weights[weights < threshold].sum())
    return f"; weaker ones have {weak / total:.1%} of the weight" if weak and total else ""


def _places(queries: list[int], keys: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights of tokens, the first on top; where all stand side by side, both sides have one distance."""
    down = [np.arange(len(side)) + BREAK * np.cumsum(np.diff(side, prepend=side[:1]) > 1)
            for side in (queries, keys)]  # fmt: skip
    broken = any(len(each) and each[-1] > len(each) - 1 for each in down)
    ends = [max(1.0, float(each[-1]) if len(each) else 1.0) for each in down]
    left, right = (
        1 - 2 * each / (end if broken else max(ends)) for each, end in zip(down, ends, strict=True)
    )
    return left, right


def _lines(
    links: NDArray[np.intp],
    weights: NDArray[np.float32],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    theme: str,
) -> list[go.Scatter]:
    """One trace per width: a line is a smooth step from left to right, lines are parted by gaps."""
    along = np.linspace(0, 1, BEND)
    rise = along**2 * (3 - 2 * along)
    sizes = weights[links[:, 0], links[:, 1]]
    bins = np.minimum((sizes * BINS).astype(int), BINS - 1)
    traces = []
    for place in np.unique(bins):
        here = links[bins == place]
        left, right = places[0][here[:, 0]], places[1][here[:, 1]]
        ys = left[:, None] + (right - left)[:, None] * rise[None, :]
        gap = np.full((len(ys), 1), np.nan)
        xs = np.broadcast_to(along, ys.shape)
        share = (place + 1) / BINS
        traces.append(
            go.Scatter(
                x=plain(np.hstack([xs, gap]).ravel()),
                y=plain(np.hstack([ys, gap]).ravel()),
                mode="lines",
                hoverinfo="skip",
                meta={"links": here.tolist()},  # what each line joins, for pages that light it up
                name=f"weight {place / BINS:.3g} – {share:.3g}",
                line={"width": 0.8 + 6.5 * share, "color": tint(role("query", theme), 0.15 + 0.8 * share)},
            )
        )
    return traces


def _middles(
    links: NDArray[np.intp],
    weights: NDArray[np.float32],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    sides: tuple[Side, Side],
) -> go.Scatter:
    """An unseen mark on each line that tells its weight and, clicked, picks what it joins."""
    rows, columns = links[:, 0], links[:, 1]
    queries, keys = (
        [
            f"<b>{name}</b> ({at:,})"
            for name, at in zip(tokens(map(str, side.names)), side.numbers, strict=True)
        ]
        for side in sides
    )
    text = [f"{queries[i]} → {keys[j]}<br>weight {weights[i, j]:.6f}" for i, j in links]
    return go.Scatter(
        x=plain(np.full(len(links), 0.5)),
        y=plain((places[0][rows] + places[1][columns]) / 2),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        text=text,
        hovertemplate="%{text}<extra></extra>",
        customdata=[[str(sides[0].numbers[i]), str(sides[1].numbers[j])] for i, j in links],
        name="links",
    )


def _words(
    figure: go.Figure,
    both: tuple[Side, Side],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    shown: NDArray[np.float32],
    links: NDArray[np.intp],
    theme: str,
) -> None:
    """Tokens on both sides, to be clicked; those on the right show what they get."""
    names = [tokens(map(str, side.names)) for side in both]
    alone = both[0].picked is not None
    size = float(np.clip(170 / max(map(len, names)), 9, SIZE + 2))
    received = shown.sum(axis=0) / (1 if alone else max(len(shown), 1))
    top = float(received.max(initial=0)) or 1.0
    picked = both[0].picked, both[1].picked
    inks = [_inks(len(names[side]), links[:, side], picked=picked, side=side, theme=theme) for side in (0, 1)]
    right = [tint(role("query", theme), 0.08 + 0.5 * float(share) / top) for share in received]
    sides: tuple[tuple[Any, ...], ...] = (
        (0, "middle left", -0.012, inks[0], tint(role("query", theme), 0.0), "query"),
        (1, "middle right", 1.012, inks[1], right, "key"),
    )
    what = "weight received" if alone else "mean weight received"
    for side, position, x, ink, mark, axis in sides:
        said = [
            f"<b>{name}</b> ({axis} {both[side].numbers[at]:,})"
            + ("" if side == 0 else f"<br>{what} {received[at]:.6f}")
            + (
                "<br>click to see all links again"
                if at == picked[side]
                else "<br>click to see its links alone"
            )
            for at, name in enumerate(names[side])
        ]
        figure.add_scatter(
            x=plain(np.full(len(names[side]), x)),
            y=plain(places[side]),
            mode="markers+text",
            marker={"size": size if side else 4, "color": mark, "symbol": "square", "line": {"width": 0}},
            text=[_shortened(name) for name in names[side]],
            textposition=position,
            textfont={"size": size, "color": ink},
            customdata=_picks(both[side], first=side == 0),
            hovertext=said,
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
            meta={"positions": both[side].numbers},
            name=axis,
        )
        figure.add_annotation(
            x=side,
            xref="paper",  # at the outer edge, where there is room however narrow the figure is
            y=1.06,
            yshift=2,
            text="query: looks" if side == 0 else "key: is looked at",
            showarrow=False,
            yanchor="bottom",
            xanchor="right" if side else "left",
            font={"color": palette(theme).muted, "size": SIZE},
        )


def _shortened(name: str) -> str:
    """Cut an escaped token to the characters that have room."""
    return clean(unescape(name), LONGEST_WORD)


def _inks(
    count: int, linked: NDArray[np.intp], *, picked: tuple[int | None, int | None], side: int, theme: str
) -> list[str]:
    """Words without a link step back once one word is picked."""
    colours = palette(theme)
    if picked == (None, None):
        return [colours.text] * count
    stays = {*linked.tolist(), picked[side]}
    return [colours.text if at in stays else colours.muted for at in range(count)]


def _picks(side: Side, *, first: bool) -> list[list[str]]:
    """What a click on each word makes of the picked query and key; the picked one is let go."""
    texts = ["" if at == side.picked else str(number) for at, number in enumerate(side.numbers)]
    return [[text, ""] if first else ["", text] for text in texts]
