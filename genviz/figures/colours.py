"""Colours as numbers: tables for pictures, tints, and a colour bar for what is drawn as a picture."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.theme import palette

Scale = Sequence[tuple[float, str]]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of ``#rrggbb``, 0 … 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def tint(colour: str, opacity: float) -> str:
    """Write the colour with an opacity from 0 to 1, as CSS."""
    return "rgba({},{},{},{:.3g})".format(*rgb(colour), opacity)


def mix(first: str, second: str, share: float) -> str:
    """Blend two colours, ``share`` of the second."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def table(scale: Scale, size: int = 256) -> NDArray[np.uint8]:
    """Sample a colour scale; shape ``(size, 3)``."""
    places = [at for at, _ in scale]
    colours = np.array([rgb(colour) for _, colour in scale], np.float32)
    along = np.linspace(0, 1, size)
    channels = [np.interp(along, places, colours[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def masked(theme: str) -> str:
    """The colour of what may not be looked at: a quiet grey, apart from the scale's zero."""
    colours = palette(theme)
    return mix(colours.page, colours.muted, 0.22)


def not_a_number(theme: str) -> str:
    """The colour of NaN: loud, and in no scale."""
    return "#d81b60" if theme == "light" else "#ff5c9a"


def colorbar(title: str, **more: Any) -> dict[str, Any]:
    """Settings of a colour bar; ``title`` is escaped already."""
    return {
        "title": {"text": title, "side": "right"},
        "outlinewidth": 0,
        "thickness": 12,
        "ticks": "",
        **more,
    }


def bar(scale: Scale, low: float, high: float, *, title: str, **more: Any) -> go.Scatter:
    """A trace that draws nothing but a colour bar, for figures whose values are a picture."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={
            "color": [low],
            "cmin": low,
            "cmax": high,
            "colorscale": [list(stop) for stop in scale],
            "showscale": True,
            "colorbar": colorbar(title, **more),
        },
    )


def log_bar(scale: Scale, low: float, high: float, *, title: str) -> go.Scatter:
    """A colour bar for logarithms to the base of 10; its foot stands for all that is less."""
    foot, top = math.log10(low), math.log10(high)
    places = [place for place in range(math.ceil(foot), math.floor(top) + 1) if place > foot + 0.2]
    texts = [f"≤ {low:.2g}", *(f"{10.0**place:g}" for place in places)]
    return bar(scale, foot, top, title=title, tickvals=[foot, *places], ticktext=texts)
