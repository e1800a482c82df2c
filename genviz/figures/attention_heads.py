"""Every head of every layer at once: one picture of small maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.attention import Overview
from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.base import blank, place
from genviz.figures.colours import bar, masked, not_a_number, rgb, table
from genviz.figures.text import clean, number, short_names
from genviz.figures.theme import SIZE, palette

LEVELS = 48  # steps of colour; fewer compress better, and a map of thumb-nail size shows no more
FAINTEST = 1e-4  # weight of the weakest colour on a logarithmic scale
MASKED, NAN, FRAME = 1, 2, 3  # places in the palette before the weights; 0 is the page
GAP = 0.07  # share of a cell left free between maps


@dataclass(frozen=True)
class HeadMap:
    """One head's small map and what is said of it.

    Parameters
    ----------
    overview : Overview
    entropy : float
        Mean over its rows, in bits.
    """

    overview: Overview
    entropy: float


def tile_side(maps: int, longest: int = 256, pixels: int = 1_250_000) -> int:
    """Pixels per side of one map, so that all of them stay within a picture of ``pixels``."""
    return int(min(longest, max(16, (pixels / max(maps, 1)) ** 0.5)))


def attention_heads(
    heads: Sequence[Sequence[HeadMap]],
    *,
    sites: Sequence[str],
    side: int,
    logarithmic: bool = True,
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw all maps in one mosaic, a layer per row; a click gives ``[site, head]``.

    Parameters
    ----------
    heads : sequence of sequences of HeadMap
        ``heads[site][head]``.
    sites : sequence of str
    side : int
        Pixels per side of one map.
    logarithmic : bool
        Colours by the logarithm of the weight, from 0.0001 to 1; else from 0 to 1.
    title : str
    theme : {"light", "dark"}
    """
    across = max(map(len, heads))
    figure = blank(theme, clean(title), margin={"t": 84})
    picture, colours = _mosaic(heads, across, side, logarithmic=logarithmic, theme=theme)
    place(figure, image.uri(picture, colours), x=-0.5, y=-0.5, width=across, height=len(heads))
    figure.add_trace(_scale(logarithmic, theme))
    figure.add_trace(_answers(heads, sites, across))
    labels = [clean(name, 24) for name in short_names(name or "model" for name in sites)]
    figure.update_xaxes(
        title="head",
        tickvals=list(range(across)),
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
    return figure


def _mosaic(
    heads: Sequence[Sequence[HeadMap]], across: int, side: int, *, logarithmic: bool, theme: str
) -> tuple[image.Pixels, image.Pixels]:
    """Draw all maps into palette places: page, masked, NaN, frame, then the weights."""
    cell = round(side / (1 - GAP))
    picture = np.zeros((len(heads) * cell, across * cell), np.uint8)
    for row, maps in enumerate(heads):
        for column, head in enumerate(maps):
            tile = _tile(head.overview, side, logarithmic)
            top = row * cell + (cell - tile.shape[0]) // 2
            left = column * cell + (cell - tile.shape[1]) // 2
            picture[top - 1 : top + tile.shape[0] + 1, left - 1 : left + tile.shape[1] + 1] = FRAME
            picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    fixed = [rgb(palette(theme).page), rgb(masked(theme)), rgb(not_a_number(theme)), rgb(palette(theme).line)]
    return picture, np.concatenate([np.array(fixed, np.uint8), table(palette(theme).magnitude, LEVELS)])


def _tile(overview: Overview, side: int, logarithmic: bool) -> image.Pixels:
    values = overview.values
    if logarithmic:
        values = np.log10(np.clip(values, FAINTEST, None))
    low, high = (float(np.log10(FAINTEST)), 0.0) if logarithmic else (0.0, 1.0)
    pixels = image.indexed(values, low, high, first=FRAME + 1, last=FRAME + LEVELS)
    pixels[np.isnan(values)] = NAN
    pixels[~overview.seen] = MASKED
    factor = max(1, side // max(pixels.shape))
    return np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1)


def _scale(logarithmic: bool, theme: str) -> go.Scatter:
    if not logarithmic:
        return bar(palette(theme).magnitude, 0.0, 1.0, title="weight")
    places = list(range(round(np.log10(FAINTEST)), 1))
    texts = [f"≤ {FAINTEST:g}", *(f"{10.0**at:g}" for at in places[1:])]
    return bar(palette(theme).magnitude, places[0], 0, title="weight", tickvals=places, ticktext=texts)


def _answers(heads: Sequence[Sequence[HeadMap]], sites: Sequence[str], across: int) -> go.Heatmap:
    """An unseen cell per head: hover names it, a click gives its site and number."""
    entropies: NDArray[np.float64] = np.full((len(heads), across), np.nan)
    text = [[""] * across for _ in heads]
    custom = [[["", -1] for _ in range(across)] for _ in heads]
    for row, maps in enumerate(heads):
        for column, head in enumerate(maps):
            entropies[row, column] = head.entropy
            custom[row][column] = [sites[row], column]
            text[row][column] = (
                f"<b>{clean(sites[row] or 'model')} · head {column}</b><br>mean entropy "
                f"{number(head.entropy)} bits"
            )
    return go.Heatmap(
        z=plain(np.nan_to_num(entropies, nan=0.0)),
        customdata=custom,
        text=text,
        opacity=0,
        showscale=False,
        hovertemplate="%{text}<br>click to see it large<extra></extra>",
        name="heads",
    )
