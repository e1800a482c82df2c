"""A number for every head of every layer, as a map and as a ranked list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import masked, not_a_number, table
from genviz.figures.text import clean, layer_labels, number, sentence
from genviz.figures.theme import SIZE, palette

RANKED = 8  # heads of the list
NUMBERS_UP_TO = 8  # heads across up to which a cell shows its number
ROWS_NUMBERED = 6  # … and layers
MAP_SHARE = 0.5  # of the width that the map has
LIST_ROOM = 0.16  # of the longest bar, for each letter of the longest name behind the bars


@dataclass(frozen=True)
class ScoredSite:
    """The heads of one site.

    Parameters
    ----------
    site : str
    scores : float array, (head,)
        NaN where nothing can be said.
    even : float
        What a head that looks evenly would get.
    why : str
        Why nothing can be said.
    """

    site: str
    scores: NDArray[np.float64]
    even: float = float("nan")
    why: str = ""


@dataclass(frozen=True)
class Scale:
    """What the numbers are.

    Parameters
    ----------
    title, unit : str
    low : bool
        The list begins with the lowest.
    advice : str
        What to do where nothing can be said.
    """

    title: str
    unit: str
    low: bool = False
    advice: str = field(default="", kw_only=True)


def head_map(
    heads: Sequence[ScoredSite],
    scale: Scale,
    *,
    chosen: tuple[str, int] | None = None,
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the map, a layer per row, and beside it the heads with the strongest score.

    Parameters
    ----------
    heads : sequence of ScoredSite
    scale : Scale
    chosen : (site, head), optional
        Framed.
    title, note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title, 120), margin={"t": 56, "b": 84})
    labels = layer_labels([each.site or "model" for each in heads])
    across = max(len(each.scores) for each in heads)
    values = np.full((len(heads), across), np.nan)
    for row, each in enumerate(heads):
        values[row, : len(each.scores)] = each.scores
    top = _top(values)
    figure.add_trace(_cells(heads, values, scale, top=top, theme=theme))
    ranked = _ranked(values, scale.low)
    if ranked:
        _unsaid(figure, heads, values, theme)
        _frame(figure, heads, chosen, theme)
        figure.add_trace(_bars(ranked, values, heads, scale=scale, top=top, theme=theme))
    else:
        _nothing(figure, heads, scale.advice, theme)
    _axes(figure, labels, across, scale, listed=bool(ranked))
    small_print(figure, clean(note, 400), theme)
    figure.update_layout(
        showlegend=False, hovermode="closest", clickmode="event", dragmode=False, bargap=0.28
    )
    return figure


def _ranked(values: NDArray[np.float64], low: bool) -> list[tuple[int, int]]:
    """Rows and columns of the list's heads, the first at the top."""
    known = np.argwhere(np.isfinite(values))
    keys = values[known[:, 0], known[:, 1]] * (1 if low else -1)
    order = known[np.argsort(keys, kind="stable")][:RANKED]
    return [(int(row), int(column)) for row, column in order]


def _top(values: NDArray[np.float64]) -> float:
    """The score of the strongest colour."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _shades(values: Sequence[float], top: float, theme: str) -> list[str]:
    """The map's colours of scores, as colours: Plotly looks for one that stands out from a bar's."""
    shades = table(palette(theme).magnitude)
    return ["#{:02x}{:02x}{:02x}".format(*shades[int(np.clip(value / top, 0, 1) * 255)]) for value in values]


def _cells(
    heads: Sequence[ScoredSite], values: NDArray[np.float64], scale: Scale, *, top: float, theme: str
) -> go.Heatmap:
    few = values.shape[1] <= NUMBERS_UP_TO and len(values) <= ROWS_NUMBERED
    numbers = {"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 2}}
    return go.Heatmap(
        z=plain(values),
        zmin=0,
        zmax=top,
        colorscale=[list(stop) for stop in palette(theme).magnitude],
        showscale=False,  # the bars beside it have the same colours, and an axis
        customdata=[[[each.site, head, "one"] for head in range(values.shape[1])] for each in heads],
        text=[[_said(each, head, scale) for head in range(values.shape[1])] for each in heads],
        hovertemplate="%{text}<extra></extra>",
        hoverongaps=True,
        xgap=2,
        ygap=2,
        name="heads",
        **(numbers if few and np.isfinite(values).any() else {}),
    )


def _unsaid(
    figure: go.Figure, heads: Sequence[ScoredSite], values: NDArray[np.float64], theme: str
) -> None:  # fmt: skip
    """Grey where nothing can be said, and the colour of NaN where a score is not a number."""
    there = np.array([[head < len(each.scores) for head in range(values.shape[1])] for each in heads])
    quiet = there & np.array([[bool(each.why)] for each in heads])
    for where, colour, name in (
        (quiet, masked(theme), "nothing to say"),
        (there & ~quiet & np.isnan(values), not_a_number(theme), "not a number (NaN)"),
    ):
        if where.any():
            figure.add_heatmap(
                z=plain(np.where(where, 0.0, np.nan)), colorscale=[[0, colour], [1, colour]], showscale=False,
                hoverinfo="skip", hoverongaps=False, xgap=2, ygap=2, name=name,
            )  # fmt: skip


def _said(each: ScoredSite, head: int, scale: Scale) -> str:
    if head >= len(each.scores):
        return f"<b>{clean(each.site or 'model')}</b><br>has no head {head}"
    name = f"<b>{clean(each.site or 'model')} · head {head}</b>"
    if each.why:
        return f"{name}<br>nothing to say: {clean(each.why)}"
    value = f"{clean(scale.title)} {each.scores[head]:.6g} {clean(scale.unit)}"
    return f"{name}<br>{value}<br>looking evenly would give {number(each.even)}<br>click to see this head"


def _bars(
    ranked: list[tuple[int, int]], values: NDArray[np.float64], heads: Sequence[ScoredSite], *,
    scale: Scale, top: float, theme: str,
) -> go.Bar:  # fmt: skip
    return go.Bar(
        x=plain([values[at] for at in ranked]),
        y=list(range(len(ranked))),
        orientation="h",
        xaxis="x2",
        yaxis="y2",
        marker={
            "color": _shades([float(values[at]) for at in ranked], top, theme),
            "line": {"width": 1, "color": palette(theme).categories[0]},
        },
        customdata=[[heads[row].site, column, "one"] for row, column in ranked],
        hovertext=[_said(heads[row], column, scale) for row, column in ranked],
        hovertemplate="%{hovertext}<extra></extra>",
        name="ranked",
    )


def _frame(
    figure: go.Figure, heads: Sequence[ScoredSite], chosen: tuple[str, int] | None, theme: str
) -> None:  # fmt: skip
    row = next((n for n, each in enumerate(heads) if chosen and each.site == chosen[0]), None)
    if row is None or chosen is None:
        return
    figure.add_shape(
        type="rect", x0=chosen[1] - 0.5, x1=chosen[1] + 0.5, y0=row - 0.5, y1=row + 0.5, name="chosen",
        line={"color": palette(theme).categories[1], "width": 2.5},
    )  # fmt: skip


def _nothing(figure: go.Figure, heads: Sequence[ScoredSite], advice: str, theme: str) -> None:
    """Say why there is no number at all, in the middle of the map."""
    reasons = list(dict.fromkeys(each.why for each in heads if each.why)) or ["every score is NaN"]
    said = "<br>".join(sentence(clean(reason)) + "." for reason in reasons[:3])
    figure.add_annotation(
        text="<br>".join([f"<b>{said}</b>", *wrap(clean(advice, 200), 48)]), name="nothing to say",
        x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, align="center",
        font={"size": SIZE, "color": palette(theme).text}, bgcolor=palette(theme).panel, borderpad=10,
    )  # fmt: skip


def _axes(figure: go.Figure, labels: list[str], across: int, scale: Scale, *, listed: bool) -> None:
    bare = {"showgrid": False, "zeroline": False}
    figure.update_xaxes(
        title="head", range=[-0.5, across - 0.5], domain=[0, MAP_SHARE if listed else 1], **bare,
        **({"tickmode": "linear", "dtick": 1} if across <= 16 else {}),
    )  # fmt: skip
    every = max(1, -(-len(labels) // 24))
    figure.update_yaxes(
        title="layer", range=[len(labels) - 0.5, -0.5], tickvals=list(range(0, len(labels), every)),
        ticktext=labels[::every], tickfont={"size": SIZE - 2}, **bare,
    )  # fmt: skip
    if not listed:
        return
    bars = next(trace for trace in figure.data if trace.name == "ranked")
    names = [_short(labels, figure.data[0].customdata, pair) for pair in bars.customdata]
    room = LIST_ROOM * max(map(len, names))
    figure.update_layout(
        xaxis2={"title": clean(scale.unit), "domain": [MAP_SHARE + 0.09, 1], "anchor": "y2",
                "range": [0, (1 + room) * (max(bars.x) or 1)], "nticks": 4, "zeroline": False,
                "tickangle": 0},
        yaxis2={"title": {"text": "layer · head", "font": {"size": SIZE - 2}, "standoff": 4},
                "domain": [0, 1], "anchor": "x2", "showticklabels": False, "range": [RANKED - 0.4, -0.6],
                "showgrid": False},
    )  # fmt: skip
    # Behind the bars, where names of any length have room: before them they would lie over the map.
    bars.update(
        text=[f" {name}" for name in names], textposition="outside", constraintext="none",
        cliponaxis=False, textfont={"size": SIZE - 4},
    )  # fmt: skip


def _short(labels: list[str], custom: Sequence[Sequence[Sequence[object]]], pair: Sequence[object]) -> str:
    row = next(n for n, cells in enumerate(custom) if cells[0][0] == pair[0])
    return f"{labels[row]} · {pair[1]}"
