"""A map of latent codes: one point per item, coloured by what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank
from genviz.figures.colours import mix
from genviz.figures.text import clean, number
from genviz.figures.theme import SIZE, palette, role

WEBGL_ABOVE = 2000  # points; SVG draws 10k in 4 s, WebGL in 0.4 s
CLASSES_UP_TO = 10  # different values up to which a label is shown as classes, each with its colour


@dataclass(frozen=True)
class Colouring:
    """One known value per item.

    Parameters
    ----------
    name : str
    values : array, (sample,)
        Numbers or text.
    """

    name: str
    values: NDArray[Any]

    @property
    def classes(self) -> list[Any]:
        """The different values in order, when few enough to have a colour each; else none."""
        if self.values.dtype.kind == "f" and not np.array_equal(self.values, np.round(self.values)):
            return []
        found = np.unique(self.values)
        few = len(found) <= CLASSES_UP_TO or self.values.dtype.kind in "OUS"
        return list(found) if few else []


def latent_map(
    coordinates: NDArray[Any],
    *,
    axes: tuple[str, str],
    colouring: Colouring | None = None,
    picks: Sequence[int] = (),
    path: NDArray[Any] | None = None,
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the map; chosen points are marked and tied by a path.

    Parameters
    ----------
    coordinates : float array, (sample, 2)
    axes : (str, str)
        Titles of the axes.
    colouring : Colouring, optional
    picks : sequence of int
        Chosen items, at most two: the first and the second.
    path : float array, (point, 2), optional
        The way between the picks on this map; a straight line without it.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title))
    kind = go.Scattergl if len(coordinates) > WEBGL_ABOVE else go.Scatter
    for members, colour, name in _groups(coordinates, colouring, theme):
        figure.add_trace(_points(kind, coordinates, members, colouring, colour, name))
    _mark(figure, kind, coordinates, picks, path, theme)
    figure.update_xaxes(title=axes[0], zeroline=False)
    figure.update_yaxes(title=axes[1], zeroline=False, scaleanchor="x")
    legend = {"title": {"text": clean(colouring.name, 24)}, "itemsizing": "constant"} if colouring else {}
    figure.update_layout(legend=legend, hovermode="closest", clickmode="event", dragmode="pan")
    return figure


def _groups(
    coordinates: NDArray[Any], colouring: Colouring | None, theme: str
) -> list[tuple[NDArray[np.intp], Any, str]]:
    """Which items are one trace, with their colour (or values) and name."""
    every = np.arange(len(coordinates))
    hues = palette(theme).categories
    if colouring is None:
        return [(every, hues[0], "items")]
    if not colouring.classes:
        return [(every, None, colouring.name)]
    text = colouring.values.astype(str)
    hue = [hues[n % len(hues)] for n in range(len(colouring.classes))]
    return [(every[text == str(c)], hue[n], str(c)) for n, c in enumerate(colouring.classes)]


def _points(
    kind: Any,
    coordinates: NDArray[Any],
    members: NDArray[np.intp],
    colouring: Colouring | None,
    colour: str | None,
    name: str,
) -> Any:
    size = float(np.clip(160 / np.sqrt(max(len(coordinates), 1)), 4, 9))
    marker: dict[str, Any] = {"size": size, "opacity": 0.85}
    if colour is None and colouring is not None:
        marker |= {
            "color": plain(colouring.values),
            "coloraxis": None,
            "showscale": True,
            "colorscale": "Viridis",
            "colorbar": {"title": {"text": clean(colouring.name, 24), "side": "right"}},
        }
    else:
        marker |= {"color": colour}
    said = "" if colouring is None else f"<br>{clean(colouring.name)} %{{text}}"
    return kind(
        x=plain(coordinates[members, 0]),
        y=plain(coordinates[members, 1]),
        mode="markers",
        marker=marker,
        customdata=plain(members),
        name=clean(name, 32),
        showlegend=colour is not None and colouring is not None,
        text=None if colouring is None else [_shown(value) for value in colouring.values[members]],
        hovertemplate="<b>item %{customdata}</b>" + said + "<br>(%{x:.4f}, %{y:.4f})<extra></extra>",
    )


def _shown(value: Any) -> str:
    return number(float(value)) if isinstance(value, float | np.floating) else clean(value, 40)


def _mark(
    figure: go.Figure,
    kind: Any,
    coordinates: NDArray[Any],
    picks: Sequence[int],
    path: NDArray[Any] | None,
    theme: str,
) -> None:
    if len(picks) == 2:
        way = coordinates[list(picks)] if path is None else path
        edge = mix(palette(theme).text, palette(theme).page, 0.1)
        figure.add_trace(
            kind(
                x=plain(way[:, 0]),
                y=plain(way[:, 1]),
                mode="lines",
                hoverinfo="skip",
                line={"color": edge, "width": 3},
                name="path",
                showlegend=False,
            )
        )
    for pick, name in zip(picks, ("first", "second"), strict=False):
        figure.add_trace(
            kind(
                x=plain(coordinates[[pick], 0]),
                y=plain(coordinates[[pick], 1]),
                mode="markers",
                name=name,
                marker={
                    "size": 17,
                    "color": role(name, theme),
                    "line": {"width": 3, "color": palette(theme).text},
                },
                customdata=plain([pick]),
                showlegend=False,
                hovertemplate=f"<b>item {pick}</b>: {name} pick<extra></extra>",
            )
        )
        x, y = (float(value) for value in coordinates[pick])
        figure.add_annotation(
            x=x,
            y=y,
            text=f"<b>{'A' if name == 'first' else 'B'}</b>",
            showarrow=False,
            yshift=20,
            font={"size": SIZE + 2, "color": palette(theme).text},
        )
