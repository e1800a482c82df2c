"""Every head of every layer at once: one picture of small maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.pooling import Overview, Pooling
from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.base import blank, place, small_print
from genviz.figures.colours import bar, log_bar, masked, not_a_number, rgb, table
from genviz.figures.text import clean, layer_labels, number
from genviz.figures.theme import SIZE, palette

LEVELS = 48  # steps of colour; fewer compress better, and a map of thumb-nail size shows no more
FAINTEST = 1e-4  # weight of the weakest colour on a logarithmic scale
BLANK, MASKED, NAN, FRAME = 0, 1, 2, 3  # places in the palette before the weights; blank is the page
GAP = 0.07  # share of a cell left free between maps


@dataclass(frozen=True)
class HeadMap:
    """One head's small map and what is said of it.

    Parameters
    ----------
    overview : Overview
    entropy : float
        Mean over its rows, in bits.
    how : {"max", "mean"}
        What is drawn of each block.
    """

    overview: Overview
    entropy: float
    how: Pooling = "max"

    @property
    def values(self) -> NDArray[np.float32]:
        """What is drawn."""
        return self.overview.values(self.how)


def tile_side(maps: int, longest: int = 256, pixels: int = 1_250_000) -> int:
    """Pixels per side of one map, so that all of them stay within a picture of ``pixels``."""
    return int(min(longest, max(16, (pixels / max(maps, 1)) ** 0.5)))


def attention_heads(
    heads: Sequence[Sequence[HeadMap]],
    *,
    sites: Sequence[str],
    side: int,
    means: Sequence[HeadMap | None] = (),
    logarithmic: bool = True,
    threshold: float = 0.0,
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw all maps in one mosaic, a layer per row; a click gives ``[site, head, "one"]``.

    Parameters
    ----------
    heads : sequence of sequences of HeadMap
        ``heads[site][head]``.
    sites : sequence of str
    side : int
        Pixels per side of one map.
    means : sequence of HeadMap or None
        The mean of each site's heads, in a column of its own; a click there gives ``[site, None, "mean"]``.
    logarithmic : bool
        Colours by the logarithm of the weight, from 0.0001 to 1; else from 0 to 1.
    threshold : float
        Weaker weights are blank.
    title, note : str
    theme : {"light", "dark"}
    """
    across = max(map(len, heads)) + bool(any(means))
    rows = _with_means(heads, means, across)
    figure = blank(theme, clean(title), margin={"t": 74, "b": 14})
    picture, colours = _mosaic(rows, across, side, scale=(logarithmic, threshold), theme=theme)
    place(figure, image.uri(picture, colours), x=-0.5, y=-0.5, width=across, height=len(heads))
    figure.add_trace(_scale(logarithmic, theme))
    figure.add_trace(_answers(rows, sites, across, averaged=bool(any(means))))
    labels = layer_labels([name or "model" for name in sites])
    figure.update_xaxes(
        title={"text": "head", "standoff": 2},
        tickvals=list(range(across)),
        ticktext=_columns(across, averaged=bool(any(means))),
        range=[-0.5, across - 0.5],
        side="top",
        showgrid=False,
        zeroline=False,
        constrain="domain",
        tickangle=0,
    )
    figure.update_yaxes(
        title="layer",
        tickvals=list(range(len(heads))),
        ticktext=labels,
        range=[len(heads) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        constrain="domain",
        scaleanchor="x",
        tickfont={"size": SIZE - 2},
    )
    figure.update_layout(hovermode="closest", clickmode="event", dragmode=False)
    if note:
        figure.update_layout(margin={"b": 52})
        small_print(figure, clean(note, 500), theme)
    return figure


def _columns(across: int, *, averaged: bool) -> list[str]:
    """Names of the columns; where they are narrow, the last head makes room for "mean"."""
    names = [str(n) for n in range(across)]
    if averaged:
        names[-1] = "mean"
        names[-2] = "" if across > 4 else names[-2]
    return names


def _with_means(
    heads: Sequence[Sequence[HeadMap]], means: Sequence[HeadMap | None], across: int
) -> list[list[HeadMap | None]]:
    """Rows of maps, each site's mean in the last column."""
    rows: list[list[HeadMap | None]] = [[*maps, *[None] * (across - len(maps))] for maps in heads]
    for row, mean in zip(rows, means, strict=False):
        row[-1] = mean if mean is not None else row[-1]
    return rows


def _mosaic(
    heads: Sequence[Sequence[HeadMap | None]],
    across: int,
    side: int,
    *,
    scale: tuple[bool, float],
    theme: str,
) -> tuple[image.Pixels, image.Pixels]:
    """Draw all maps into palette places: page, masked, NaN, frame, then the weights."""
    cell = round(side / (1 - GAP))
    picture = np.zeros((len(heads) * cell, across * cell), np.uint8)
    for row, maps in enumerate(heads):
        for column, head in enumerate(maps):
            if head is None:
                continue
            tile = _tile(head, side, *scale)
            top = row * cell + (cell - tile.shape[0]) // 2
            left = column * cell + (cell - tile.shape[1]) // 2
            picture[top - 1 : top + tile.shape[0] + 1, left - 1 : left + tile.shape[1] + 1] = FRAME
            picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    fixed = [rgb(palette(theme).page), rgb(masked(theme)), rgb(not_a_number(theme)), rgb(palette(theme).line)]
    return picture, np.concatenate([np.array(fixed, np.uint8), table(palette(theme).magnitude, LEVELS)])


def _tile(head: HeadMap, side: int, logarithmic: bool, threshold: float) -> image.Pixels:
    values = head.values
    if logarithmic:
        values = np.log10(np.clip(values, FAINTEST, None))
    low, high = (float(np.log10(FAINTEST)), 0.0) if logarithmic else (0.0, 1.0)
    pixels = image.indexed(values, low, high, first=FRAME + 1, last=FRAME + LEVELS)
    pixels[np.nan_to_num(head.values, nan=1.0) < threshold] = BLANK
    pixels[np.isnan(values)] = NAN
    pixels[~head.overview.seen] = MASKED
    if head.overview.rows.step > 1:  # a sample of the rows fills the height that all would have
        pixels = pixels[np.arange(pixels.shape[1]) * len(pixels) // pixels.shape[1]]
    factor = max(1, side // max(pixels.shape))
    return np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1)


def _scale(logarithmic: bool, theme: str) -> go.Scatter:
    if not logarithmic:
        return bar(palette(theme).magnitude, 0.0, 1.0, title="weight")
    return log_bar(palette(theme).magnitude, FAINTEST, 1.0, title="weight")


def _answers(
    heads: Sequence[Sequence[HeadMap | None]], sites: Sequence[str], across: int, *, averaged: bool
) -> go.Heatmap:
    """An unseen cell per head: hover names it, a click gives its site and number."""
    entropies: NDArray[np.float64] = np.full((len(heads), across), np.nan)
    text = [[""] * across for _ in heads]
    custom: list[list[list[str | int | None]]] = [[["", -1] for _ in range(across)] for _ in heads]
    for row, maps in enumerate(heads):
        for column, head in enumerate(maps):
            if head is None:
                continue
            mean = averaged and column == across - 1
            entropies[row, column] = head.entropy
            custom[row][column] = [sites[row], None, "mean"] if mean else [sites[row], column, "one"]
            name = f"{clean(sites[row] or 'model')} · " + ("mean of heads" if mean else f"head {column}")
            text[row][column] = f"<b>{name}</b><br>mean entropy {number(head.entropy)} bits"
    return go.Heatmap(
        z=plain(np.nan_to_num(entropies, nan=0.0)),
        customdata=custom,
        text=text,
        opacity=0,
        showscale=False,
        hovertemplate="%{text}<br>click to see it large<extra></extra>",
        name="heads",
    )
