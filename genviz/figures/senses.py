"""One word in several texts: how alike its vectors are by layer, and which heads part two of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar, not_a_number
from genviz.figures.latent_map import Colouring
from genviz.figures.text import clean, token
from genviz.figures.theme import SIZE, palette, role

FULL_KEYS = 24  # tokens that bars can name; of longer texts those around the word
LABELS_UP_TO = 24  # layers whose names have room along an axis
NUMBERS_UP_TO = 64  # cells of a map up to which each shows its number
MAP = (0.62, 1.0)  # of the height
BARS = ((0.33, 0.46), (0.0, 0.13))


@dataclass(frozen=True)
class Curves:
    """Cosines by layer.

    Parameters
    ----------
    pair : float array, (layer,)
        Of the two occurrences that are compared.
    within : mapping
        Sense → mean among its occurrences, (layer,); senses with one occurrence are left out.
    between : float array, (layer,)
        Mean of pairs of different senses; NaN where there are none.
    typical : float array, (layer,), optional
        Mean of two tokens of these texts, whatever they are.
    """

    pair: NDArray[np.float64]
    within: Mapping[str, NDArray[np.float64]]
    between: NDArray[np.float64]
    typical: NDArray[np.float64] | None = None


def similarity_by_layer(
    curves: Curves,
    *,
    names: Sequence[str],
    layers: Sequence[str],
    layer: int,
    colouring: Colouring,
    title: str = "",
    unit: str = "cosine",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the curves; a click gives the layer.

    Parameters
    ----------
    curves : Curves
    names : sequence of str
        Layers, short, for the axis.
    layers : sequence of str
        Layers in words, escaped already.
    layer : int
        The one that other views show.
    colouring : Colouring
        Senses, with the colours that they have on the map.
    title, unit, note : str
        Escaped already.
    theme : {"light", "dark"}
    """
    figure, colours = blank(theme, title), palette(theme)
    lines: list[tuple[str, NDArray[np.float64], dict[str, Any]]] = []
    for at, sense in enumerate(colouring.classes):
        if sense in curves.within:
            hue = colours.categories[at % len(colours.categories)]
            lines.append((clean(sense, 24), curves.within[sense], {"color": hue, "width": 2}))
    if np.isfinite(curves.between).any() and curves.within:
        lines.append(("between", curves.between, {"color": colours.muted, "width": 3, "dash": "dash"}))
    lines.insert(0, ("A and B", curves.pair, {"color": colours.text, "width": 3.5}))
    if curves.typical is not None:
        lines.append(
            ("any two tokens", curves.typical, {"color": colours.muted, "width": 1.5, "dash": "dot"})
        )
    for name, values, line in lines:
        figure.add_scatter(
            x=plain(np.arange(len(values))), y=plain(values), mode="lines+markers", line=line, name=name,
            marker={"size": 7}, customdata=plain(np.arange(len(values))),
            hovertext=[
                f"{_pairs(name)}, {where}<br>cosine {value:.4f}"
                for where, value in zip(layers, values, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=layer, line={"color": colours.accent, "width": 1.5, "dash": "dot"}, layer="below")
    every = -(-len(names) // LABELS_UP_TO)
    figure.update_xaxes(
        title="layer", tickmode="array", tickvals=list(range(0, len(names), every)),
        ticktext=list(names[::every]), range=[-0.3, len(names) - 0.7], showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(title={"text": unit, "font": {"size": SIZE - 2}})
    figure.update_layout(
        hovermode="closest", clickmode="event", dragmode=False,
        legend={"font": {"size": SIZE - 2}},
    )  # fmt: skip
    foot(figure, note, theme)
    return figure


def _pairs(name: str) -> str:
    """Whose cosines a line is the mean of."""
    own = {
        "A and B": "A and B",
        "between": "pairs of different senses, mean",
        "any two tokens": "any two tokens, mean",
    }
    return own.get(name, f"pairs within {name}, mean")


@dataclass(frozen=True)
class Looks:
    """What the word looks at in one text.

    Parameters
    ----------
    name : str
        Escaped already.
    tokens : sequence of str
    place : sequence of int
        The word's own tokens.
    weights : float array, (key,)
    """

    name: str
    tokens: Sequence[str]
    place: Sequence[int]
    weights: NDArray[np.floating[Any]]


def parting_heads(
    shares: NDArray[np.float64],
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    chosen: tuple[int, int],
    looks: Sequence[Looks],
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw a map of what each part adds to a difference, and what the word looks at in one head.

    Parameters
    ----------
    shares : float array, (block, part)
        Of the length of the difference; NaN where there is no such part.
    columns : sequence of str
        Parts: heads, then others.
    rows : sequence of str
        Blocks, escaped already.
    chosen : (int, int)
        Block and head of the bars.
    looks : sequence of Looks
        In each of the two texts.
    title, note : str
        Escaped already.
    theme : {"light", "dark"}
    """
    figure = blank(theme, title, margin={"t": 52, "b": 128})
    heads = [column.isdigit() for column in columns]
    most = float(np.nanmax(np.abs(shares), initial=0.0)) or 1.0
    numbers = {"texttemplate": "%{text}", "textfont": {"size": SIZE - 3}}
    figure.add_heatmap(
        z=plain(shares), zmin=-most, zmax=most, colorscale=[list(stop) for stop in palette(theme).signed],
        xgap=2, ygap=2, hoverongaps=False, name="parts",
        customdata=[
            [[str(row), column if is_head else ""] for column, is_head in zip(columns, heads, strict=True)]
            for row in range(len(rows))
        ],
        text=[[f"{value:.0%}".replace("-0%", "0%") for value in np.nan_to_num(values)] for values in shares],
        hovertext=[
            [_share_said(row, column, float(value)) for column, value in zip(columns, values, strict=True)]
            for row, values in zip(rows, shares, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar=colorbar(
            "share of A − B", tickformat=".0%", nticks=5, y=sum(MAP) / 2, len=1.05 * (MAP[1] - MAP[0])
        ),
        **(numbers if shares.size <= NUMBERS_UP_TO else {}),
    )  # fmt: skip
    _unsaid(figure, shares, heads, theme)
    figure.add_shape(
        type="rect", x0=chosen[1] - 0.5, x1=chosen[1] + 0.5, y0=chosen[0] - 0.5, y1=chosen[0] + 0.5,
        line={"color": palette(theme).text, "width": 3}, name="chosen",
    )  # fmt: skip
    flat = {"showgrid": False, "zeroline": False, "tickmode": "array"}
    few = -(-len(columns) // 26)
    figure.update_xaxes(
        title="head, and feed-forward (FF)", range=[-0.5, len(columns) - 0.5],
        tickvals=list(range(0, len(columns), few)), ticktext=list(columns[::few]), tickangle=0, **flat,
    )  # fmt: skip
    every = -(-len(rows) // LABELS_UP_TO)
    figure.update_yaxes(
        title="block", domain=list(MAP), range=[len(rows) - 0.5, -0.5],
        tickvals=list(range(0, len(rows), every)),
        ticktext=[str(at + 1) for at in range(0, len(rows), every)], **flat,
    )  # fmt: skip
    for place, look in enumerate(looks):
        _bars(figure, look, place, theme)
    figure.update_layout(showlegend=False, hovermode="closest", clickmode="event", dragmode=False, bargap=0.3)
    foot(figure, note, theme)
    return figure


def _share_said(row: str, column: str, value: float) -> str:
    part = f"head {column}" if column.isdigit() else {"FF": "feed-forward"}.get(column, column)
    if np.isnan(value):
        return f"<b>block {row} · {part}</b><br>nothing to tell apart here"
    more = "<br>click to see what the word looks at" if column.isdigit() else ""
    return f"<b>block {row} · {part}</b><br>{value:+.2%} of the difference{more}"


def _unsaid(figure: go.Figure, shares: NDArray[np.float64], heads: Sequence[bool], theme: str) -> None:
    """Infinite values in the colour of NaN: they came out of the model."""
    where = np.isinf(shares) & np.array(heads)[None, :]
    if where.any():
        colour = not_a_number(theme)
        figure.add_heatmap(
            z=plain(np.where(where, 0.0, np.nan)), colorscale=[[0, colour], [1, colour]], showscale=False,
            hoverinfo="skip", hoverongaps=False, xgap=2, ygap=2, name="not a number",
        )  # fmt: skip


def _bars(figure: go.Figure, look: Looks, place: int, theme: str) -> None:
    """Weights of one text's tokens in one head, under its sentence."""
    keys = _window(look)
    own, other = role("path", theme), role("attention", theme)
    names = [token(str(look.tokens[at]), 14) for at in keys]
    figure.add_bar(
        x=list(range(len(keys))), y=plain(look.weights[keys]), xaxis=f"x{place + 2}", yaxis=f"y{place + 2}",
        marker={"color": [own if at in set(look.place) else other for at in keys]},
        customdata=[f"<b>{name}</b> ({at})" for name, at in zip(names, keys, strict=True)],
        hovertemplate="%{customdata}<br>weight %{y:.6f}<extra></extra>", name=f"text {'AB'[place]}",
    )  # fmt: skip
    hidden = 1 - float(look.weights[keys].sum() / max(float(look.weights.sum()), 1e-30))
    more = f" ({hidden:.0%} on tokens further off)" if len(keys) < len(look.tokens) else ""
    figure.update_layout({
        f"xaxis{place + 2}": {
            "domain": [0, 1], "anchor": f"y{place + 2}", "tickvals": list(range(len(keys))),
            "ticktext": names, "tickangle": -45 if max(map(len, names)) * 8 * len(names) > 380 else 0,
            "showgrid": False,
            "title": {"text": look.name + more, "font": {"size": SIZE - 2}, "standoff": 2},
            "tickfont": {"size": SIZE - (3 if len(keys) <= 16 else 4)},
        },
        f"yaxis{place + 2}": {
            "domain": list(BARS[place]), "anchor": f"x{place + 2}", "title": "weight",
            "rangemode": "tozero", "nticks": 4, "matches": "y2" if place else None,
        },
    })  # fmt: skip


def _window(look: Looks) -> list[int]:
    """The tokens that are named: all, or those around the word."""
    count = len(look.tokens)
    start = int(np.clip(min(look.place) - FULL_KEYS // 2, 0, max(0, count - FULL_KEYS)))
    return list(range(start, min(count, start + FULL_KEYS)))


def sums(parts: Mapping[str, float]) -> str:
    """Shares by kind of part, in words (escaped); those below half a percent are left out.

    Examples
    --------
    >>> sums({"heads": 0.62, "feed-forward": 0.4, "biases": -0.02})
    'heads +62%, feed-forward +40%, biases −2%'
    """
    told = {name: value for name, value in parts.items() if abs(value) >= 0.005}
    written = (f"{clean(name)} {value:+.0%}" for name, value in told.items())
    return ", ".join(written).replace(" -", " −")
