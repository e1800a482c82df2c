"""Attention over the patches of a picture, laid on it."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot, hidden_axis, place
from genviz.figures.colours import colorbar
from genviz.figures.image import crisp_uri, to_pixels
from genviz.figures.text import clean
from genviz.figures.theme import palette, role


def attention_patches(
    weights: NDArray[Any],
    picture: NDArray[Any],
    *,
    query: int | None = None,
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the picture, and beside it the picture under its weights.

    Parameters
    ----------
    weights : float array, (row, column)
        Of each patch.
    picture : float array, (channel, row, column)
        Shown from its smallest to its largest value.
    query : int, optional
        The patch that looks, counted row by row; None for a token that is no patch.
    title, note : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title))
    rows, columns = weights.shape
    finite = picture[np.isfinite(picture)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    pixels = to_pixels(picture[None], (low, high if high > low else low + 1.0))[0]
    for axis in ("", "2"):
        place(figure, crisp_uri(pixels, side=256), x=-0.5, y=-0.5, width=columns, height=rows,
              xref=f"x{axis}", yref=f"y{axis}")  # fmt: skip
    places = np.arange(rows * columns).reshape(rows, columns)
    for axis, opacity in (("", 0.0), ("2", 0.72)):
        figure.add_heatmap(
            z=plain(weights), x0=0, dx=1, y0=0, dy=1, xaxis=f"x{axis}", yaxis=f"y{axis}", opacity=opacity,
            zmin=0, zmax=float(np.nan_to_num(weights).max(initial=0.0)) or 1.0, showscale=bool(axis),
            colorscale=[list(stop) for stop in palette(theme).magnitude], colorbar=colorbar("weight"),
            customdata=plain(places[..., None]), name="patches",
            hovertemplate="patch %{customdata[0]} (row %{y}, column %{x})<br>weight %{z:.6f}<extra></extra>",
        )  # fmt: skip
    if query is not None:
        y, x = divmod(query, columns)
        for axis in ("", "2"):
            figure.add_shape(
                type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, xref=f"x{axis}",
                yref=f"y{axis}", line={"color": role("query", theme), "width": 3}, name="query",
            )  # fmt: skip
    for axis, domain in (("", [0, 0.47]), ("2", [0.53, 1])):
        figure.update_layout({
            f"xaxis{axis}": hidden_axis(range=[-0.5, columns - 0.5], domain=domain, constrain="domain",
                                        anchor=f"y{axis}"),
            f"yaxis{axis}": hidden_axis(range=[rows - 0.5, -0.5], scaleanchor=f"x{axis}", anchor=f"x{axis}",
                                        scaleratio=picture.shape[1] * columns / (rows * picture.shape[2])),
        })  # fmt: skip
    foot(figure, clean(note, 500), theme)
    return figure
