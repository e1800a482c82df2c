"""A map of latent codes: one point per item, coloured by what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import colorbar
from genviz.figures.text import clean, number
from genviz.figures.theme import SIZE, palette

WEBGL_ABOVE = 2000  # points; SVG draws 10k in 4 s, WebGL in 0.4 s
CLASSES_UP_TO = 10  # classes with a colour of their own; numbers of more values get a scale, names "other"
OTHER = "other"
_ITEM = "<b>item %{customdata}</b>"


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

    @cached_property
    def texts(self) -> NDArray[np.str_]:
        """The values as text."""
        return np.array([str(value) for value in self.values.tolist()])

    @cached_property
    def classes(self) -> list[str]:
        """The classes in order, as text; none when the values are numbers on a scale."""
        named = self.values.dtype.kind in "OUS"
        if not named and not np.array_equal(self.values, np.round(self.values)):
            return []
        found, counts = np.unique(self.texts if named else self.values, return_counts=True)
        if len(found) <= CLASSES_UP_TO:
            return [str(value) for value in found.tolist()]
        if not named:
            return []
        frequent = np.sort(np.argsort(-counts, kind="stable")[: CLASSES_UP_TO - 1])
        return [*(str(value) for value in found[frequent]), OTHER]

    def members(self, chosen: str) -> NDArray[np.intp]:
        """Items of one class."""
        if chosen == OTHER and OTHER not in self.texts:
            return np.flatnonzero(~np.isin(self.texts, self.classes))
        return np.flatnonzero(self.texts == chosen)


def latent_map(
    coordinates: NDArray[Any],
    *,
    axes: tuple[str, str],
    colouring: Colouring | None = None,
    picks: Sequence[int] = (),
    path: NDArray[Any] | None = None,
    said: Sequence[str] | None = None,
    note: str = "",
    title: str = "",
    one_scale: bool = True,
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
    said : sequence of str, optional
        What each item is, escaped already; its number, without it.
    note : str
        What must be known to read the map, for the small print.
    title : str
    one_scale : bool
        Whether a step along one axis means as much as along the other.
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), margin={"l": 72, "b": 104})
    small_print(figure, clean(note, 600), theme)
    kind = go.Scattergl if len(coordinates) > WEBGL_ABOVE else go.Scatter
    names = [f"<b>item {item}</b>" for item in range(len(coordinates))] if said is None else list(said)
    for members, colour, name in _groups(coordinates, colouring, theme):
        trace = _points(kind, coordinates, members, colouring=colouring, shown=(colour, name), theme=theme)
        if said is not None:
            trace.hovertext = [names[item] for item in members]
            trace.hovertemplate = trace.hovertemplate.replace(_ITEM, "%{hovertext}")
        figure.add_trace(trace)
    _mark(figure, kind, coordinates, picks=picks, path=path, names=names, theme=theme)
    # Axes of one scale that also make room for numbers chase one another: Plotly redraws until it gives up.
    figure.update_xaxes(title=axes[0], zeroline=False, automargin=False)
    figure.update_yaxes(title=axes[1], zeroline=False, automargin=False)
    if one_scale:
        figure.update_yaxes(scaleanchor="x")
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
    return [(colouring.members(name), hues[n % len(hues)], name) for n, name in enumerate(colouring.classes)]


def _points(
    kind: Any,
    coordinates: NDArray[Any],
    members: NDArray[np.intp],
    *,
    colouring: Colouring | None,
    shown: tuple[str | None, str],
    theme: str,
) -> Any:
    """One trace; ``shown`` is its colour (None: by value) and its name."""
    colour, name = shown
    size = float(np.clip(160 / np.sqrt(max(len(coordinates), 1)), 4, 9))
    marker: dict[str, Any] = {"size": size, "opacity": 0.85}
    if colour is None and colouring is not None:
        marker |= {
            "color": plain(colouring.values),
            "coloraxis": None,
            "showscale": True,
            "colorscale": [list(stop) for stop in palette(theme).spectrum],
            "colorbar": colorbar(clean(colouring.name, 24)),
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
        hovertemplate=_ITEM + said + "<br>(%{x:.4f}, %{y:.4f})<extra></extra>",
    )


def _shown(value: Any) -> str:
    return number(float(value)) if isinstance(value, float | np.floating) else clean(value, 40)


def _mark(
    figure: go.Figure,
    kind: Any,
    coordinates: NDArray[Any],
    *,
    picks: Sequence[int],
    path: NDArray[Any] | None,
    names: Sequence[str],
    theme: str,
) -> None:
    """Mark the chosen points A and B, and draw the way between them."""
    colours = palette(theme)
    if len(picks) == 2:
        way = coordinates[list(picks)] if path is None else path
        line = {"color": colours.text, "width": 2.5, "dash": "dot"}
        figure.add_trace(
            kind(
                x=plain(way[:, 0]),
                y=plain(way[:, 1]),
                mode="lines",
                hoverinfo="skip",
                line=line,
                name="path",
                showlegend=False,
            )
        )
    for pick, name in zip(picks, "AB", strict=False):
        marker = {"size": 24, "color": colours.page, "line": {"width": 2.5, "color": colours.text}}
        figure.add_trace(
            kind(
                x=plain(coordinates[[pick], 0]),
                y=plain(coordinates[[pick], 1]),
                mode="markers",
                name=name,
                marker=marker,
                customdata=plain([pick]),
                showlegend=False,
                hovertemplate=f"<b>{name}</b> · {names[pick]}<extra></extra>",
            )
        )
        x, y = (float(value) for value in coordinates[pick])
        font = {"size": SIZE - 1, "color": colours.text}
        figure.add_annotation(x=x, y=y, text=f"<b>{name}</b>", showarrow=False, font=font)
