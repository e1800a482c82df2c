"""Pictures in labelled bands: samples by score, inputs and reconstructions, a walk through latent space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.base import blank, hidden_axis, lay, picture
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette

GAP = 0.06  # share of a cell left free around a picture
CAPTION = 0.24  # height of a caption line, in cells


@dataclass(frozen=True)
class Band:
    """One labelled band of pictures.

    Parameters
    ----------
    label : str
    pixels : uint8 array, (picture, row, column) or (picture, row, column, 3)
    colour : str
        Of the label and of the frames.
    captions : sequence of str
        One per picture, or none.
    indices : sequence of int
        What a click on a picture gives; its place in the data.
    palette : uint8 array (256, 3), optional
        Colours of one-channel pixels; grey without it.
    """

    label: str
    pixels: image.Pixels
    colour: str
    captions: Sequence[str] = ()
    indices: Sequence[int] = ()
    palette: image.Pixels | None = None
    hover: Sequence[str] = ()


def gallery(
    bands: Sequence[Band], *, columns: int, title: str = "", subtitle: str = "", theme: str = "light"
) -> go.Figure:
    """Draw bands of pictures one under the other, each wrapped after ``columns`` pictures.

    Parameters
    ----------
    bands : sequence of Band
    columns : int
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), clean(subtitle, 120))
    figure.update_layout(margin={"l": 24, "r": 24, "t": 84 if subtitle else 52, "b": 16})
    y = 0.0
    for band in bands:
        y = draw_band(figure, band, columns, y=y, theme=theme) + 0.12
    figure.update_xaxes(range=[-1.15, columns], **hidden_axis(constrain="domain"))
    figure.update_yaxes(range=[y, -0.05], **hidden_axis(scaleanchor="x", constrain="domain"))
    figure.update_layout(hovermode="closest", hoverdistance=-1)
    return figure


def draw_band(figure: go.Figure, band: Band, columns: int, *, y: float, theme: str) -> float:
    """Draw one band from ``y`` downwards; returns where it ends."""
    height = 1 + (CAPTION if band.captions else 0.0)
    aspect = band.pixels.shape[1] / band.pixels.shape[2]
    width = min(1.0, 1 / aspect) * (1 - GAP)
    spots = [(n % columns + 0.5, y + n // columns * height) for n in range(len(band.pixels))]
    size = {"width": width, "height": width * aspect}
    pictures = [
        picture(image.crisp_uri(pixels, band.palette), x=x - width / 2, y=top + GAP / 2, **size)
        for (x, top), pixels in zip(spots, band.pixels, strict=True)
    ]
    lay(figure, pictures)
    rows = -(-len(band.pixels) // columns)
    figure.add_annotation(
        x=-0.12,
        y=y + rows * height / 2,
        text=f"<b>{clean(band.label)}</b>",
        showarrow=False,
        xanchor="right",
        font={"color": band.colour, "size": SIZE + 1},
    )
    _answers(figure, band, spots)
    if band.captions:
        figure.add_scatter(
            x=plain([x for x, _ in spots]),
            y=plain([top + 1.0 + CAPTION * 0.4 for _, top in spots]),
            mode="text",
            text=list(band.captions),
            textposition="middle center",
            hoverinfo="skip",
            showlegend=False,
            textfont={"size": SIZE - 2, "color": palette(theme).muted},
            name=f"{band.label} captions",
        )
    return y + rows * height


def _answers(figure: go.Figure, band: Band, spots: Sequence[tuple[float, float]]) -> None:
    """Unseen marks that answer the pointer: which picture, and what is known of it."""
    indices = list(band.indices) or list(range(len(spots)))
    hover = list(band.hover) or [f"{clean(band.label)} {index}" for index in indices]
    figure.add_scatter(
        x=plain([x for x, _ in spots]),
        y=plain([top + 0.5 for _, top in spots]),
        mode="markers",
        marker={"size": 40, "opacity": 0},
        customdata=plain(np.array(indices)),
        text=hover,
        showlegend=False,
        hovertemplate="%{text}<extra></extra>",
        name=clean(band.label),
    )
