"""Attention through the layers: raw weights, rollout and flow of one layer, as maps and for one token."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.array import block_means
from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import colorbar, masked
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette

NAMES = ("raw", "rollout", "flow")
MEANING = ("mean of heads", "shares, all layers", "most that can pass")
CELLS = 128  # per side of a map; longer ones are drawn as means of blocks
CLICKED_UP_TO = 40  # tokens up to which a click on a row picks its token
LABELS_UP_TO = 24
_GAP = 0.035


def attention_rollout(
    maps: Sequence[NDArray[Any] | None],
    rows: Sequence[NDArray[Any] | None],
    *,
    names: Sequence[Any],
    query: int,
    title: str = "",
    note: str = "",
    missing: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the three maps above and the three rows of one token below.

    Parameters
    ----------
    maps : sequence of (query, key) arrays
        Raw, rollout, flow; None where it was not worked out.
    rows : sequence of (key,) arrays
        The same for the token ``query``.
    names : sequence
        Tokens, or positions.
    query : int
    title, note : str
    missing : str
        Why a map was not worked out.
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title, 120), margin={"t": 72, "b": 108, "l": 72, "r": 16})
    words = tokens(map(str, names), 14)
    width = (1 - 2 * _GAP) / 3
    reached = None if maps[1] is None or len(words) > CELLS else np.asarray(maps[1]) > 0
    for at, values in enumerate(maps):
        left = at * (width + _GAP)
        _map_axes(figure, at, (left, left + width), words, theme)
        if values is None:
            _absent(figure, (left + width / 2, 0.77), missing, theme)
        else:
            figure.add_trace(_map(values, at, words, theme))
            if reached is not None and not reached.all():
                figure.add_trace(_unreached(reached, at, theme))
            _outline(figure, at, query, len(names), theme)
    for at, row in enumerate(rows):
        if row is not None:
            figure.add_trace(_bars(row, at, words, query, theme))
    _row_axes(figure, words, query)
    small_print(figure, clean(note, 600), theme)
    figure.update_layout(
        barmode="group", bargap=0.25, hovermode="closest", clickmode="event", dragmode=False,
        legend={"orientation": "h", "y": 0.345, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )  # fmt: skip
    return figure


def _map(values: NDArray[Any], at: int, words: list[str], theme: str) -> go.Heatmap:
    count = len(words)
    block = -(-count // CELLS)
    drawn = block_means(np.asarray(values, np.float64), (block, block))
    spots = np.arange(len(drawn)) * block
    clicked = count <= CLICKED_UP_TO
    said = (
        "%{text}<br>"
        if clicked
        else "query %{y}, key %{x}<br>" + f"mean of {block} × {block}<br>" * (block > 1)
    )
    more: dict[str, Any] = {}
    if clicked:
        more["text"] = [[f"<b>{q}</b> ({i}) → <b>{k}</b> ({j})" for j, k in enumerate(words)]
                        for i, q in enumerate(words)]  # fmt: skip
        more["customdata"] = [[[str(i)] for _ in words] for i in range(count)]
    return go.Heatmap(
        z=plain(drawn), x=plain(spots), y=plain(spots), zmin=0, zmax=1,
        xaxis=_axis("x", at), yaxis=_axis("y", at),
        colorscale=[list(stop) for stop in palette(theme).magnitude],
        showscale=at == len(NAMES) - 1, colorbar=colorbar("", len=0.45, y=1, yanchor="top", nticks=3),
        hovertemplate=said + NAMES[at] + " %{z:.6f}<extra></extra>", name=f"{NAMES[at]} map",
        xgap=0.5 * clicked, ygap=0.5 * clicked, **more,
    )  # fmt: skip


def _unreached(reached: NDArray[np.bool_], at: int, theme: str) -> go.Heatmap:
    """Grey where no path leads: the mask forbids it in every layer, which is not the same as little."""
    return go.Heatmap(
        z=plain(np.where(reached, np.nan, 0.0)), xaxis=_axis("x", at), yaxis=_axis("y", at),
        colorscale=[[0, masked(theme)], [1, masked(theme)]], showscale=False, hoverongaps=False, xgap=0.5,
        ygap=0.5, hovertemplate="masked: no path leads there<extra></extra>", name=f"{NAMES[at]} masked",
    )  # fmt: skip


def _axis(letter: str, at: int) -> str:
    return letter if at == 0 else f"{letter}{at + 1}"


def _map_axes(figure: go.Figure, at: int, domain: tuple[float, float], words: list[str], theme: str) -> None:
    count = len(words)
    every = max(1, -(-count // LABELS_UP_TO))
    bare = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    number = "" if at == 0 else str(at + 1)
    size = SIZE - 3 if count <= 12 else SIZE - 5
    ticks = {"tickvals": list(range(0, count, every)), "ticktext": words[::every], "tickfont": {"size": size}}
    figure.update_layout({
        f"xaxis{number}": {
            "domain": list(domain), "anchor": _axis("y", at), "range": [-0.5, count - 0.5], "side": "bottom",
            "title": {"text": "key", "font": {"size": SIZE - 2}}, "tickangle": -60, **ticks, **bare,
        },
        f"yaxis{number}": {
            "domain": [0.55, 1], "anchor": _axis("x", at), "range": [count - 0.5, -0.5],
            "scaleanchor": _axis("x", at), "showticklabels": at == 0,
            "title": {"text": "query" if at == 0 else "", "font": {"size": SIZE - 2}}, **ticks, **bare,
        },
    })  # fmt: skip
    figure.add_annotation(
        text=f"<b>{NAMES[at]}</b><br>{MEANING[at]}", x=sum(domain) / 2, y=1.0, yshift=6,
        xref="paper", yref="paper", yanchor="bottom", xanchor="center", showarrow=False,
        font={"size": SIZE - 2, "color": palette(theme).muted},
    )  # fmt: skip


def _outline(figure: go.Figure, at: int, query: int, count: int, theme: str) -> None:
    figure.add_shape(
        type="rect", xref=_axis("x", at), yref=_axis("y", at), x0=-0.5, x1=count - 0.5, y0=query - 0.5,
        y1=query + 0.5, line={"color": palette(theme).categories[1], "width": 2}, name="token",
    )  # fmt: skip


def _absent(figure: go.Figure, where: tuple[float, float], why: str, theme: str) -> None:
    figure.add_annotation(
        text="<br>".join(clean(why, 200).split(": ")), x=where[0], y=where[1], xref="paper", yref="paper",
        showarrow=False, font={"size": SIZE - 3, "color": palette(theme).muted}, bgcolor=masked(theme),
        borderpad=6, name="not worked out",
    )  # fmt: skip


def _bars(row: NDArray[Any], at: int, words: list[str], query: int, theme: str) -> go.Bar:
    said = [f"<b>{words[query]}</b> ({query}) → <b>{k}</b> ({j})" for j, k in enumerate(words)]
    return go.Bar(
        x=plain(np.arange(len(words))), y=plain(row), xaxis="x4", yaxis="y4", name=NAMES[at],
        marker={"color": palette(theme).categories[(7, 0, 2)[at]]}, hovertext=said,
        hovertemplate="%{hovertext}<br>" + NAMES[at] + " %{y:.6f}<extra></extra>",
    )  # fmt: skip


def _row_axes(figure: go.Figure, words: list[str], query: int) -> None:
    every = max(1, -(-len(words) // (2 * LABELS_UP_TO)))
    figure.update_layout(
        xaxis4={
            "domain": [0, 1], "anchor": "y4", "range": [-0.6, len(words) - 0.4], "showgrid": False,
            "title": f"key: what is in “{words[query]}” ({query})",
            "tickvals": list(range(0, len(words), every)),
            "ticktext": words[::every], "tickangle": -45 if len(words) > 8 else 0,
            "tickfont": {"size": SIZE - 2 if len(words) <= 16 else SIZE - 5},
        },
        yaxis4={"domain": [0, 0.34], "anchor": "x4", "title": "share, or flow", "rangemode": "tozero"},
    )  # fmt: skip
