"""One attention head as a map: rows attend, columns are attended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.pooling import Overview, Pooling
from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.base import blank, place, small_print
from genviz.figures.colours import bar, colorbar, log_bar, masked, not_a_number, rgb, table
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette

NUMBERS_UP_TO = 12  # cells per side up to which each shows its number
FAINTEST = 1e-4  # of the strongest weight: the weakest colour on a logarithmic scale
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
    starts: tuple[int, int] = (0, 0),
) -> go.Figure:
    """Draw every weight of one head, or of a part of it, exactly.

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
    starts : (int, int)
        Positions of the first query and of the first key shown.
    """
    figure = blank(theme, clean(title))
    left = left_out or LeftOut()
    gone = np.broadcast_to(left.keys if left.keys is not None else False, allowed.shape)
    names = [tokens(map(str, queries)), tokens(map(str, keys))]
    hover = _hover(names, left, starts)
    values = np.where(allowed & ~(np.nan_to_num(weights, nan=1.0) < left.threshold), weights, np.nan)
    high = float(np.nanmax(values)) if top is None and np.isfinite(values).any() else (top or 1.0)
    at = {"x0": starts[1], "dx": 1, "y0": starts[0], "dy": 1}
    figure.add_heatmap(
        z=plain(values),
        **at,
        zmin=0,
        zmax=high or 1.0,
        colorscale=[list(s) for s in palette(theme).magnitude],
        text=_said_of(~np.isnan(values), hover),
        hovertemplate="%{text}<br>weight %{z:.6f}<extra></extra>",
        hoverongaps=False,
        xgap=0.5,
        ygap=0.5,
        colorbar=colorbar("weight"),
        name="weight",
        **_numbers(values.shape, theme),
    )
    for where, colour, says in (
        (~allowed & ~gone, masked(theme), "masked: may not be looked at"),
        (~allowed & gone, palette(theme).panel, "left out: its weight was shared out"),
        (allowed & np.isnan(weights), not_a_number(theme), "not a number (NaN)"),
    ):
        _flat(figure, where, hover, colour=colour, says=says, **at)
    _axes(figure, names, starts)
    _say(figure, left.note, theme)
    return figure


def attention_overview(
    overview: Overview,
    *,
    how: Pooling,
    theme: str = "light",
    title: str = "",
    top: float | None = None,
    left_out: LeftOut | None = None,
    logarithmic: bool = False,
) -> go.Figure:
    """Draw a long map, or a part of it, as a picture; hover gives the exact number of a coarser block.

    Parameters
    ----------
    overview : Overview
        From :func:`genviz.analysis.pooling.pooled`; when it holds every k-th row only, the figure says so.
    how : {"max", "mean"}
        Which of its two pictures.
    theme : {"light", "dark"}
    title : str
    top : float, optional
        The weight of the strongest colour; the largest one shown, without it.
    left_out : LeftOut, optional
        Blocks whose number is below its threshold are blank.
    logarithmic : bool
        Colours by the logarithm of the weight, down to a ten-thousandth of the strongest: in a long text most
        weights are faint.
    """
    figure, left = blank(theme, clean(title)), left_out or LeftOut()
    finite = overview.values(how)[np.isfinite(overview.values(how))]
    high = top or (float(finite.max()) if finite.size else 1.0) or 1.0
    (rows, keys), (height, width) = _extent(overview), _block(overview)
    place(
        figure,
        _picture(overview, how, high, threshold=left.threshold, logarithmic=logarithmic, theme=theme),
        x=keys.start - 0.5,
        y=rows.start - 0.5,
        width=width * overview.seen.shape[1],
        height=height * overview.seen.shape[0],
    )
    scale, name = palette(theme).magnitude, _weight_name(overview, how)
    colours = log_bar(scale, high * FAINTEST, high, title=name) if logarithmic else None
    figure.add_trace(colours or bar(scale, 0.0, high, title=name))
    figure.add_trace(_coarse(overview, how))
    names = {"type": "linear", "constrain": "domain", "showgrid": False, "zeroline": False}
    figure.update_xaxes(
        title=KEY_TITLE + " (position)", range=[keys.start - 0.5, keys.stop - 0.5], tickformat=",d", **names
    )
    figure.update_yaxes(
        title=QUERY_TITLE + " (position)",
        range=[rows.stop - 0.5, rows.start - 0.5],
        tickformat=",d",
        scaleanchor="x",
        **names,
    )
    some = f"From {every(overview.rows.step)} row only; the others may differ."
    _say(figure, " ".join([some] * (overview.rows.step > 1) + [left.note]).strip(), theme)
    return figure


def _said_of(cells: NDArray[np.bool_], hover: list[list[str]]) -> NDArray[np.object_]:
    """What is said of some cells: of a hundred tokens, all of it in every trace would be megabytes.

    An array, because Plotly looks at every string of a list, which takes ten times as long.
    """
    return np.where(cells, np.array(hover, np.object_), "")


def _hover(names: list[list[str]], left: LeftOut, starts: tuple[int, int]) -> list[list[str]]:
    """What a cell says: who looks at whom, and what its row lost."""
    rows = [""] * len(names[0])
    if left.removed is not None:
        rows = [f"<br>{gone:.4f} of this row was left out" for gone in left.removed]
    return [
        [f"<b>{q}</b> ({i}) → <b>{k}</b> ({j}){row}" for j, k in enumerate(names[1], starts[1])]
        for (i, q), row in zip(enumerate(names[0], starts[0]), rows, strict=True)
    ]


def _say(figure: go.Figure, note: str, theme: str) -> None:
    if note:
        figure.update_layout(margin={"b": 124})
        small_print(figure, clean(note, 500), theme)


def every(step: int) -> str:
    """Say a step in words: every second, every 3rd."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th") if step % 100 not in (11, 12, 13) else "th"
    return f"every {step:,}{ending}" if step > 2 else "every second"


def _block(overview: Overview) -> tuple[int, int]:
    """Queries and keys that a block of the picture stands for."""
    return overview.block[0] * overview.rows.step, overview.block[1]


def _extent(overview: Overview) -> tuple[range, range]:
    """Positions that the picture stands for."""
    step = overview.rows.step
    first = overview.rows.start - step // 2
    return range(max(first, 0), overview.rows.stop), overview.keys


def _numbers(shape: tuple[int, ...], theme: str) -> dict[str, Any]:
    if max(shape) > NUMBERS_UP_TO:
        return {}
    return {"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 2 if max(shape) <= 9 else SIZE - 5}}


def _flat(
    figure: go.Figure,
    where: NDArray[np.bool_],
    hover: list[list[str]],
    *,
    colour: str,
    says: str,
    **at: int,
) -> None:
    """One colour over some cells, which say on hover what they are."""
    if where.any():
        figure.add_heatmap(
            z=plain(np.where(where, 0.0, np.nan)),
            **at,
            colorscale=[[0, colour], [1, colour]],
            showscale=False,
            text=_said_of(where, hover),
            hovertemplate=f"%{{text}}<br>{says}<extra></extra>",
            hoverongaps=False,
            name=says,
            xgap=0.5,
            ygap=0.5,
        )


def _axes(figure: go.Figure, names: list[list[str]], starts: tuple[int, int]) -> None:
    for update, labels, start, title in (
        (figure.update_yaxes, names[0], starts[0], QUERY_TITLE),
        (figure.update_xaxes, names[1], starts[1], KEY_TITLE),
    ):
        side = len(labels)
        every = -(-side // LABELS_UP_TO)
        update(
            title=title,
            tickmode="array",
            tickvals=list(range(start, start + side, every)),
            ticktext=labels[::every],
            showgrid=False,
            zeroline=False,
            constrain="domain",
            range=[start - 0.5, start + side - 0.5],
            tickfont={"size": SIZE - 1 if side <= 16 else SIZE - 3 if side <= 28 else SIZE - 5},
        )
    wide = max(map(len, names[1])) * 9 > 460 / len(names[1])
    figure.update_xaxes(tickangle=-45 if wide else 0)
    last = starts[0] + len(names[0])
    figure.update_yaxes(range=[last - 0.5, starts[0] - 0.5], scaleanchor="x")


def _picture(
    overview: Overview, how: Pooling, high: float, *, threshold: float, logarithmic: bool, theme: str
) -> str:
    """The pooled map in palette colours: 0 masked, 1 NaN, 2 below the threshold, 3 … 255 the weights."""
    values = overview.values(how)
    if logarithmic:
        low = np.log10(high * FAINTEST)
        pixels = image.indexed(np.log10(np.clip(values, 10.0**low, None)), low, np.log10(high), first=3)
    else:
        pixels = image.indexed(values, 0.0, high, first=3)
    pixels[np.nan_to_num(values, nan=1.0) < threshold] = 2
    pixels[np.isnan(values)] = 1
    pixels[~overview.seen] = 0
    fixed = [rgb(colour) for colour in (masked(theme), not_a_number(theme), palette(theme).page)]
    colours = np.concatenate([np.array(fixed, np.uint8), table(palette(theme).magnitude, 253)])
    return image.crisp_uri(pixels, colours, 512)


def _weight_name(overview: Overview, how: Pooling) -> str:
    return (
        "weight" if overview.block == (1, 1) else f"weight ({how} of {overview.block[0]}×{overview.block[1]})"
    )


def _coarse(overview: Overview, how: Pooling, *, most: int = 64) -> go.Heatmap:
    """An unseen grid of at most 64 × 64 exact numbers under the pointer."""
    by = [-(-side // most) for side in overview.seen.shape]
    filled = np.where(overview.seen, overview.values(how), -np.inf)
    highest = np.maximum.reduceat(filled, np.arange(0, filled.shape[0], by[0]), axis=0)
    highest = np.maximum.reduceat(highest, np.arange(0, filled.shape[1], by[1]), axis=1)
    step = [side * count for side, count in zip(_block(overview), by, strict=True)]
    edges = [
        [(start, min(start + step[axis], within.stop) - 1) for start in within[:: step[axis]]]
        for axis, within in enumerate(_extent(overview))
    ]
    what = "largest weight" if how == "max" else "largest of the means"
    spans = [[f"queries {i}–{j}, keys {k}–{n}" for k, n in edges[1]] for i, j in edges[0]]
    middles = [np.array([start + (step[axis] - 1) / 2 for start, _ in edges[axis]]) for axis in (0, 1)]
    return go.Heatmap(
        z=plain(np.where(np.isneginf(highest), np.nan, highest)),
        x=plain(middles[1]),
        y=plain(middles[0]),
        opacity=0,
        showscale=False,
        text=spans,
        hovertemplate=f"%{{text}}<br>{what} %{{z:.6f}}<extra></extra>",
        hoverongaps=False,
        name="weight",
    )
