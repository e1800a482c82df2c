"""One attention head as a map: rows attend, columns are attended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.attention import Overview
from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.base import blank, place, small_print
from genviz.figures.colours import bar, colorbar, masked, not_a_number, rgb, table
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette

NUMBERS_UP_TO = 12  # cells per side up to which each shows its number
LABELS_UP_TO = 40  # labels per axis that can be read
QUERY_TITLE, KEY_TITLE = "query: the token that looks", "key: the token looked at"


@dataclass(frozen=True)
class LeftOut:
    """What a picture does not show of the weights.

    Parameters
    ----------
    threshold : float
        Weaker weights are blank.
    keys : bool array, (key,), optional
        Keys that were taken out.
    removed : float array, (query,), optional
        Weight that the keys taken out had, for each row.
    note : str
        All of it in words, for the small print.
    """

    threshold: float = 0.0
    keys: NDArray[np.bool_] | None = None
    removed: NDArray[np.float64] | None = None
    note: str = ""


def attention_matrix(
    weights: NDArray[Any],
    allowed: NDArray[np.bool_],
    *,
    queries: Sequence[Any],
    keys: Sequence[Any],
    theme: str = "light",
    title: str = "",
    top: float | None = None,
    left_out: LeftOut | None = None,
) -> go.Figure:
    """Draw every weight of one head, exactly.

    Parameters
    ----------
    weights : float array, (query, key)
        Attention weights, 0 … 1.
    allowed : bool array, (query, key)
        False where the mask forbids to look; drawn grey, which is not the same as a weight of zero.
    queries, keys : sequence
        What stands along the axes: tokens or positions.
    theme : {"light", "dark"}
    title : str
    top : float, optional
        The weight of the strongest colour; the largest one shown, without it.
    left_out : LeftOut, optional
    """
    figure = blank(theme, clean(title))
    left = left_out or LeftOut()
    gone = np.broadcast_to(left.keys if left.keys is not None else False, allowed.shape)
    names = [tokens(map(str, queries)), tokens(map(str, keys))]
    hover = _hover(names, left)
    values = np.where(allowed & ~(np.nan_to_num(weights, nan=1.0) < left.threshold), weights, np.nan)
    high = float(np.nanmax(values)) if top is None and np.isfinite(values).any() else (top or 1.0)
    figure.add_heatmap(
        z=plain(values),
        zmin=0,
        zmax=high or 1.0,
        colorscale=[list(s) for s in palette(theme).magnitude],
        text=hover,
        hovertemplate="%{text}<br>weight %{z:.6f}<extra></extra>",
        hoverongaps=False,
        xgap=0.5,
        ygap=0.5,
        colorbar=colorbar("weight"),
        name="weight",
        **_numbers(values.shape, theme),
    )
    _flat(figure, ~allowed & ~gone, hover, colour=masked(theme), says="masked: may not be looked at")
    _flat(
        figure,
        ~allowed & gone,
        hover,
        colour=palette(theme).panel,
        says="left out: its weight was shared out",
    )
    _flat(figure, allowed & np.isnan(weights), hover, colour=not_a_number(theme), says="not a number (NaN)")
    _axes(figure, names, values.shape)
    _say(figure, left.note, theme)
    return figure


def attention_overview(
    overview: Overview,
    shape: tuple[int, int],
    *,
    how: str,
    theme: str = "light",
    title: str = "",
    top: float | None = None,
    left_out: LeftOut | None = None,
) -> go.Figure:
    """Draw a long map as a picture; hover gives the exact number of a coarser block.

    Parameters
    ----------
    overview : Overview
        From :func:`genviz.analysis.attention.pooled`.
    shape : (queries, keys)
        Size of the whole map.
    how : str
        ``"max"`` or ``"mean"``, as it was pooled.
    theme : {"light", "dark"}
    title : str
    top : float, optional
        The weight of the strongest colour; the largest one shown, without it.
    left_out : LeftOut, optional
        Blocks whose number is below its threshold are blank.
    """
    figure = blank(theme, clean(title))
    left = left_out or LeftOut()
    finite = overview.values[np.isfinite(overview.values)]
    high = top or (float(finite.max()) if finite.size else 1.0) or 1.0
    scale = palette(theme).magnitude
    place(
        figure,
        _picture(overview, high, theme, left.threshold),
        x=-0.5,
        y=-0.5,
        width=shape[1],
        height=shape[0],
    )
    figure.add_trace(bar(scale, 0.0, high, title=_weight_name(overview, how)))
    figure.add_trace(_coarse(overview, shape, how))
    names = {"type": "linear", "constrain": "domain", "showgrid": False, "zeroline": False}
    figure.update_xaxes(title=KEY_TITLE + " (position)", range=[-0.5, shape[1] - 0.5], **names)
    figure.update_yaxes(
        title=QUERY_TITLE + " (position)", range=[shape[0] - 0.5, -0.5], scaleanchor="x", **names
    )
    _say(figure, left.note, theme)
    return figure


def _hover(names: list[list[str]], left: LeftOut) -> list[list[str]]:
    """What a cell says: who looks at whom, and what its row lost."""
    rows = [""] * len(names[0])
    if left.removed is not None:
        rows = [f"<br>{gone:.4f} of this row was left out" for gone in left.removed]
    return [
        [f"<b>{q}</b> ({i}) → <b>{k}</b> ({j}){rows[i]}" for j, k in enumerate(names[1])]
        for i, q in enumerate(names[0])
    ]


def _say(figure: go.Figure, note: str, theme: str) -> None:
    if note:
        figure.update_layout(margin={"b": 124})
        small_print(figure, clean(note, 500), theme)


def _numbers(shape: tuple[int, ...], theme: str) -> dict[str, Any]:
    if max(shape) > NUMBERS_UP_TO:
        return {}
    return {"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 2}}


def _flat(
    figure: go.Figure, where: NDArray[np.bool_], hover: list[list[str]], *, colour: str, says: str
) -> None:
    """One colour over some cells, which say on hover what they are."""
    if where.any():
        figure.add_heatmap(
            z=plain(np.where(where, 0.0, np.nan)),
            colorscale=[[0, colour], [1, colour]],
            showscale=False,
            text=hover,
            hovertemplate=f"%{{text}}<br>{says}<extra></extra>",
            hoverongaps=False,
            name=says,
            xgap=0.5,
            ygap=0.5,
        )


def _axes(figure: go.Figure, names: list[list[str]], shape: tuple[int, ...]) -> None:
    for update, labels, side, title in (
        (figure.update_yaxes, names[0], shape[0], QUERY_TITLE),
        (figure.update_xaxes, names[1], shape[1], KEY_TITLE),
    ):
        every = -(-side // LABELS_UP_TO)
        update(
            title=title,
            tickmode="array",
            tickvals=list(range(0, side, every)),
            ticktext=labels[::every],
            showgrid=False,
            zeroline=False,
            constrain="domain",
            range=[-0.5, side - 0.5],
            tickfont={"size": SIZE - 1 if side <= 16 else SIZE - 3 if side <= 28 else SIZE - 5},
        )
    wide = max(map(len, names[1])) * 9 > 460 / shape[1]
    figure.update_xaxes(tickangle=-45 if wide else 0)
    figure.update_yaxes(range=[shape[0] - 0.5, -0.5], scaleanchor="x")


def _picture(overview: Overview, high: float, theme: str, threshold: float) -> str:
    """The pooled map in palette colours: 0 masked, 1 NaN, 2 below the threshold, 3 … 255 the weights."""
    pixels = image.indexed(overview.values, 0.0, high, first=3)
    pixels[np.nan_to_num(overview.values, nan=1.0) < threshold] = 2
    pixels[np.isnan(overview.values)] = 1
    pixels[~overview.seen] = 0
    fixed = [rgb(colour) for colour in (masked(theme), not_a_number(theme), palette(theme).page)]
    colours = np.concatenate([np.array(fixed, np.uint8), table(palette(theme).magnitude, 253)])
    return image.crisp_uri(pixels, colours, 512)


def _weight_name(overview: Overview, how: str) -> str:
    return (
        "weight" if overview.block == (1, 1) else f"weight ({how} of {overview.block[0]}×{overview.block[1]})"
    )


def _coarse(overview: Overview, shape: tuple[int, int], how: str, *, most: int = 64) -> go.Heatmap:
    """An unseen grid of at most 64 × 64 exact numbers under the pointer."""
    by = [-(-side // most) for side in overview.values.shape]
    filled = np.where(overview.seen, overview.values, -np.inf)
    highest = np.maximum.reduceat(filled, np.arange(0, filled.shape[0], by[0]), axis=0)
    highest = np.maximum.reduceat(highest, np.arange(0, filled.shape[1], by[1]), axis=1)
    step = [overview.block[axis] * by[axis] for axis in (0, 1)]
    centres = [(np.arange(highest.shape[axis]) + 0.5) * step[axis] - 0.5 for axis in (0, 1)]
    what = "largest weight" if how == "max" else "largest of the means"
    spans = [
        [
            f"queries {i * step[0]}–{min((i + 1) * step[0], shape[0]) - 1}, "
            f"keys {j * step[1]}–{min((j + 1) * step[1], shape[1]) - 1}"
            for j in range(highest.shape[1])
        ]
        for i in range(highest.shape[0])
    ]
    return go.Heatmap(
        z=plain(np.where(np.isneginf(highest), np.nan, highest)),
        x=plain(centres[1]),
        y=plain(centres[0]),
        opacity=0,
        showscale=False,
        text=spans,
        hovertemplate=f"%{{text}}<br>{what} %{{z:.6f}}<extra></extra>",
        hoverongaps=False,
        name="weight",
    )
