"""A walk between two codes: what the decoder makes of each stop, and how long the codes are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures import image
from genviz.figures.arrays import plain
from genviz.figures.gallery import Band, gallery
from genviz.figures.text import clean
from genviz.figures.theme import palette


def interpolation(
    frames: Mapping[str, image.Pixels],
    norms: Mapping[str, NDArray[Any]],
    *,
    shares: Sequence[float],
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw one band of frames per way, and below them the length of the codes along each way.

    Parameters
    ----------
    frames : mapping
        Name of the way to uint8 pictures, ``(point, row, column)`` or ``(point, row, column, 3)``.
    norms : mapping
        Name of the way to the norm of each code, ``(point,)``.
    shares : sequence of float
        How far along each point is, from 0 to 1.
    title : str
    theme : {"light", "dark"}
    """
    hues = dict(zip(frames, palette(theme).categories, strict=False))
    captions = [_caption(share) for share in shares]
    bands = [
        Band(name, pixels, hues[name], captions, hover=[_hover(name, t, n) for t, n in told])
        for name, pixels in frames.items()
        if (told := list(zip(shares, norms[name], strict=True)))
    ]
    figure = gallery(bands, columns=len(shares), title=title, theme=theme)
    figure.update_layout(margin={"l": 64, "b": 56})
    figure.update_yaxes(domain=[0.42, 1.0])
    for name, lengths in norms.items():
        figure.add_scatter(
            x=plain(np.array(shares)),
            y=plain(lengths),
            mode="lines+markers",
            name=clean(name),
            xaxis="x2",
            yaxis="y2",
            line={"color": hues[name], "width": 2.5},
            marker={"size": 8},
            hovertemplate="t = %{x:.3f}<br>norm %{y:.6f}<extra>" + clean(name) + "</extra>",
        )
    top = max(float(np.nanmax(lengths)) for lengths in norms.values())
    figure.update_layout(
        xaxis2={"title": "t: share of the way from A to B", "domain": [0.02, 1], "anchor": "y2",
                "range": [-0.02, 1.02], "zeroline": False},
        yaxis2={"title": "norm ‖z‖", "domain": [0.0, 0.3], "anchor": "x2", "range": [0, top * 1.15]},
        legend={"x": 1, "xanchor": "right", "y": 0.31, "yanchor": "bottom", "orientation": "h"},
    )  # fmt: skip
    return figure


def _caption(share: float) -> str:
    if share in (0, 1):
        return "<b>A</b>" if share == 0 else "<b>B</b>"
    return f"{share:.2f}"


def _hover(name: str, share: float, norm: float) -> str:
    return f"<b>{clean(name)}</b><br>t = {share:.3f}<br>norm {norm:.6f}"
