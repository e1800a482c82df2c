"""One head twice, by its weights and by what arrives of them; and how much each head of the layer adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.pooling import Overview
from genviz.figures.arrays import plain
from genviz.figures.attention_matrix import KEY_TITLE, QUERY_TITLE, attention_matrix
from genviz.figures.base import blank, foot
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette, role

TOP, LEFT, RIGHT = [0.36, 0.95], [0.0, 0.42], [0.55, 0.97]


@dataclass(frozen=True)
class Heads:
    """The heads of a site.

    Parameters
    ----------
    norms : float array, (head,)
        Mean norm over the queries of what each adds.
    shown : int
        The head of the maps.
    """

    norms: NDArray[np.floating[Any]]
    shown: int


def value_weighted(
    weights: Overview,
    norms: Overview,
    *,
    names: tuple[Sequence[Any], Sequence[Any]],
    heads: Heads,
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the weights of one head beside ‖α v W_O‖, above what every head of the layer adds.

    Parameters
    ----------
    weights, norms : Overview
        Of the same blocks.
    names : (sequence, sequence)
        Tokens or positions along queries and keys.
    heads : Heads
    title, note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), margin={"t": 64})
    labels = [_blocks(side, count) for side, count in zip(names, weights.block, strict=True)]
    many = " (largest of a block)" if weights.block != (1, 1) else ""
    for at, (overview, what) in enumerate(((weights, "weight α"), (norms, "norm ‖α·v·W<sub>O</sub>‖"))):
        one = attention_matrix(
            overview.largest, overview.seen, queries=labels[0], keys=labels[1], theme=theme
        )
        _lay(figure, one, "" if at == 0 else "2", what + many)
    _bars(figure, heads, theme)
    foot(figure, clean(note, 600), theme)
    return figure


def _blocks(names: Sequence[Any], block: int) -> list[str]:
    """Names of single tokens, or the positions that a block stands for."""
    if block == 1:
        return [str(name) for name in names]
    return [
        f"{start}–{min(start + block, len(names)) - 1}" if at else str(start)
        for at, start in enumerate(range(0, len(names), block))
    ]


def _lay(figure: go.Figure, one: go.Figure, number: str, what: str) -> None:
    """Put a map of its own on a part of the figure."""
    domain = RIGHT if number else LEFT
    for trace in one.data:
        trace.update(xaxis=f"x{number}", yaxis=f"y{number}")
        if trace.name == "weight":
            trace.hovertemplate = f"%{{text}}<br>{what} %{{z:.6f}}<extra></extra>"
            trace.name = what
            place = {"x": domain[1] + 0.005, "xanchor": "left", "y": sum(TOP) / 2, "len": TOP[1] - TOP[0]}
            trace.colorbar.update(title=None, nticks=5, tickfont={"size": SIZE - 4}, **place)
        figure.add_trace(trace)
    x, y = one.layout.xaxis.to_plotly_json(), one.layout.yaxis.to_plotly_json()
    small = {"tickfont": {"size": min(SIZE - 3, x["tickfont"]["size"])}}
    x |= {
        "domain": domain,
        "anchor": f"y{number}",
        "tickangle": -90 if len(x["ticktext"]) > 8 else -45,
        **small,
    }
    y |= {"domain": TOP, "anchor": f"x{number}", "scaleanchor": f"x{number}", **small}
    if number:
        x["matches"], y["matches"], y["showticklabels"], y["title"] = "x", "y", False, None
        y.pop("scaleanchor")
    x["title"] = KEY_TITLE.split(":")[0]
    if not number:
        y["title"] = QUERY_TITLE.split(":")[0]
    figure.update_layout({f"xaxis{number}": x, f"yaxis{number}": y})
    figure.add_annotation(
        text=what, x=domain[0], y=1.0, xref="paper", yref="paper", xanchor="left", yanchor="top",
        showarrow=False, font={"size": SIZE - 1}, name="heading",
    )  # fmt: skip


def _bars(figure: go.Figure, heads: Heads, theme: str) -> None:
    """Each head's share of what the layer adds, and the share that a plain mean gives it."""
    total = float(np.nansum(heads.norms))
    shares = heads.norms / total if total else np.full(len(heads.norms), np.nan)
    plain_share = 1 / len(shares)
    colours = [role("path" if head == heads.shown else "attention", theme) for head in range(len(shares))]
    figure.add_bar(
        x=[f"{head}" for head in range(len(shares))],
        y=plain(shares),
        marker={"color": colours},
        customdata=plain(heads.norms[:, None]),
        hovertemplate="head %{x}<br>share %{y:.1%} of the heads' norms"
        "<br>mean norm of what it adds %{customdata[0]:.5f}"
        f"<br>in a plain mean: {plain_share:.1%}<extra></extra>",
        xaxis="x3",
        yaxis="y3",
        showlegend=False,
        name="heads",
    )
    figure.add_shape(
        type="line", xref="x3 domain", yref="y3", x0=0, x1=1, y0=plain_share, y1=plain_share,
        line={"color": palette(theme).text, "dash": "dash", "width": 1.5}, name="plain mean",
    )  # fmt: skip
    figure.add_annotation(
        text=f"in a plain mean: {plain_share:.0%}", xref="x3 domain", yref="y3", x=1, y=plain_share,
        xanchor="right", yanchor="bottom", showarrow=False, font={"size": SIZE - 2},
        bgcolor=palette(theme).page, name="plain mean",
    )  # fmt: skip
    top = max(float(np.nanmax(shares, initial=0.0)), plain_share) * 1.25
    figure.update_layout(
        xaxis3={"domain": [0, 0.97], "anchor": "y3", "title": "head", "type": "category", "showgrid": False},
        yaxis3={
            "domain": [0, 0.17], "anchor": "x3", "title": "share of norm", "tickformat": ".0%",
            "range": [0, top], "nticks": 4,
        },
    )  # fmt: skip
