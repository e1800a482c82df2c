"""One attention head as lines from each token to the tokens it looks at."""

from collections.abc import Sequence
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
BEND = 20  # points along a line


def attention_lines(
    weights: NDArray[Any],
    *,
    queries: Sequence[Any],
    keys: Sequence[Any],
    threshold: float = 0.05,
    query: int | None = None,
    starts: tuple[int, int] = (0, 0),
    note: str = "",
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the lines; width and strength of a line are its weight.

    Parameters
    ----------
    weights : float array, (query, key)
        Masked cells are 0.
    queries, keys : sequence
        Tokens on the left and on the right.
    threshold : float
        Weaker links are not drawn.
    query : int, optional
        Draw the links of this row alone.
    starts : (int, int)
        Positions of the first row and column in the whole text.
    note : str
        What is left out, for the small print.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), margin={"l": 24, "r": 24, "t": 84, "b": 56})
    shown = np.array(np.nan_to_num(weights), np.float32)
    if query is not None:
        shown[np.arange(len(shown)) != query] = 0
    rows, columns = np.nonzero((shown >= threshold) & (shown > 0))
    strongest = np.argsort(-shown[rows, columns], kind="stable")[:MOST_LINES]
    links = np.stack([rows, columns], axis=1)[np.sort(strongest)]
    names = tokens(map(str, queries)), tokens(map(str, keys))
    places = _places(len(queries), len(keys)), _places(len(keys), len(queries))
    for trace in _lines(links, shown, places, theme=theme):
        figure.add_trace(trace)
    figure.add_trace(_middles(links, shown, places, names=names, starts=starts))
    _words(figure, names, places, starts=starts, shown=(shown, query), theme=theme)
    said = f"{len(links):,} links of weight ≥ {threshold:g}."
    if len(rows) > len(links):
        said = f"The {len(links):,} strongest of {len(rows):,} links of weight ≥ {threshold:g}."
    small_print(figure, f"{said} {clean(note, 200)}", theme)
    figure.update_xaxes(range=[-0.42, 1.42], **hidden_axis())
    figure.update_yaxes(range=[-1.06, 1.06], **hidden_axis())
    figure.update_layout(
        showlegend=False, hovermode="closest", hoverdistance=40, clickmode="event", dragmode=False
    )
    return figure


def _places(count: int, other: int) -> NDArray[np.float64]:
    """Heights of tokens, the first on top; both sides have the same distance between tokens."""
    longest = max(count, other, 2)
    return 1 - 2 * np.arange(count) / (longest - 1)


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
        left, right = places[0][links[bins == place, 0]], places[1][links[bins == place, 1]]
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
                name=f"weight {place / BINS:.3g} – {share:.3g}",
                line={"width": 0.8 + 6.5 * share, "color": tint(role("query", theme), 0.15 + 0.8 * share)},
            )
        )
    return traces


def _middles(
    links: NDArray[np.intp],
    weights: NDArray[np.float32],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    names: tuple[list[str], list[str]],
    starts: tuple[int, int],
) -> go.Scatter:
    """An unseen mark on each line that tells its weight."""
    rows, columns = links[:, 0], links[:, 1]
    text = [
        f"<b>{names[0][i]}</b> ({i + starts[0]}) → <b>{names[1][j]}</b> ({j + starts[1]})"
        f"<br>weight {weights[i, j]:.6f}"
        for i, j in links
    ]
    return go.Scatter(
        x=plain(np.full(len(links), 0.5)),
        y=plain((places[0][rows] + places[1][columns]) / 2),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        text=text,
        hovertemplate="%{text}<extra></extra>",
        name="links",
    )


def _words(
    figure: go.Figure,
    names: tuple[list[str], list[str]],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    starts: tuple[int, int],
    shown: tuple[NDArray[np.float32], int | None],
    theme: str,
) -> None:
    """Tokens on both sides; those on the left can be clicked, those on the right show what they get."""
    weights, query = shown
    size = float(np.clip(430 / max(map(len, names)), 9, SIZE + 2))
    received = weights.sum(axis=0) / (1 if query is not None else max(len(weights), 1))
    top = float(received.max()) or 1.0
    colours = palette(theme)
    left = [colours.text if query in (None, i) else colours.muted for i in range(len(names[0]))]
    right = [tint(role("query", theme), 0.08 + 0.5 * float(share) / top) for share in received]
    sides: tuple[tuple[Any, ...], ...] = (
        (0, "middle left", -0.012, left, tint(role("query", theme), 0.0), "query"),
        (1, "middle right", 1.012, [colours.text] * len(names[1]), right, "key"),
    )
    what = "weight received" if query is not None else "mean weight received"
    for side, position, x, ink, mark, axis in sides:
        said = [
            f"<b>{name}</b> ({axis} {at + starts[side]})"
            + ("<br>click to see its links alone" if side == 0 else f"<br>{what} {received[at]:.6f}")
            for at, name in enumerate(names[side])
        ]
        figure.add_scatter(
            x=plain(np.full(len(names[side]), x)),
            y=plain(places[side]),
            mode="markers+text",
            marker={"size": size if side else 4, "color": mark, "symbol": "square", "line": {"width": 0}},
            text=names[side],
            textposition=position,
            textfont={"size": size, "color": ink},
            customdata=plain(np.arange(len(names[side])) + starts[side]),
            hovertext=said,
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
            name=axis,
        )
        figure.add_annotation(
            x=side,
            xref="paper",  # at the outer edge, where there is room however narrow the figure is
            y=1.06,
            yshift=8,
            text="query: looks" if side == 0 else "key: is looked at",
            showarrow=False,
            yanchor="bottom",
            xanchor="right" if side else "left",
            font={"color": colours.muted, "size": SIZE},
        )
