"""A text with words hidden, and the words that a model would put there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot, hidden_axis
from genviz.figures.colours import colorbar
from genviz.figures.text import clean, number, tokens
from genviz.figures.theme import SIZE, palette

PER_LINE = 14  # tokens beside each other
MOST_ASKED = 4  # masks whose candidates are drawn
_TEXT_SHARE = 0.36  # of the height that the text has
WORDS = "words"  # the trace that clicks count on


def masked_words(found: Mapping[str, Any], *, theme: str = "light") -> go.Figure:
    """Draw the text, each token shaded by how surely it is told from the others; below, candidates per mask.

    Parameters
    ----------
    found : mapping
        From :meth:`genviz.live.LanguageModel.masked_words`.
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 44, "b": 60, "l": 16, "r": 16})
    names = tokens(map(str, found["tokens"]))
    _text(figure, found, names, theme)
    asked = list(found["positions"])[:MOST_ASKED]
    for column, at in enumerate(asked):
        _candidates(figure, found, (column, len(asked)), names[at], theme)
    left = len(found["positions"]) - len(asked)
    note = (
        "Shade of a word: its probability when it alone is hidden. Click a word to hide it, again to show it."
    )
    if left > 0:
        note += f" Candidates of {left} further masks are not drawn."
    foot(figure, note if asked else f"{note} Nothing is hidden now.", theme)
    return figure


def _text(figure: go.Figure, found: Mapping[str, Any], names: Sequence[str], theme: str) -> None:
    colours = palette(theme)
    lines = -(-len(names) // PER_LINE)
    alone = np.full((lines, PER_LINE), np.nan, np.float32)
    alone.flat[: len(names)] = np.asarray(found["alone"], np.float32)
    shown = [clean(found["mask"], 12) if at in found["positions"] else name for at, name in enumerate(names)]
    numbers = [[line * PER_LINE + place for place in range(PER_LINE)] for line in range(lines)]
    hover = [[_told(found, names, at) if at < len(names) else "" for at in row] for row in numbers]
    figure.add_heatmap(
        z=plain(alone), zmin=0, zmax=1, text=hover, customdata=plain(np.asarray(numbers)), name=WORDS,
        colorscale=[list(stop) for stop in colours.magnitude[:4]], hoverongaps=False, xgap=3, ygap=5,
        hovertemplate="%{text}<extra></extra>", xaxis="x", yaxis="y",
        colorbar=colorbar("probability", len=_TEXT_SHARE + 0.1, y=1, yanchor="top"),
    )  # fmt: skip
    hidden = set(found["positions"])
    figure.add_scatter(
        x=[at % PER_LINE for at in range(len(names))], y=[at // PER_LINE for at in range(len(names))],
        text=[f"<b>{name}</b>" if at in hidden else name for at, name in enumerate(shown)], mode="text",
        textfont={"size": SIZE, "color": [
            _ink(float(value), at in hidden, theme) for at, value in enumerate(found["alone"])
        ]},
        customdata=plain(np.arange(len(names))), hoverinfo="skip", showlegend=False, xaxis="x", yaxis="y",
        name=WORDS,
    )  # fmt: skip
    figure.update_layout(
        xaxis=hidden_axis(range=[-0.5, min(PER_LINE, len(names)) - 0.5], domain=[0, 1]),
        yaxis=hidden_axis(range=[lines - 0.45, -0.55], domain=[1 - _TEXT_SHARE, 1]),
    )


def _ink(value: float, hidden: bool, theme: str) -> str:
    """Text that can be read on its shade."""
    colours = palette(theme)
    dark_shade = value > 0.6 if theme == "light" else value < 0.75 or value != value
    if hidden:
        return (
            "#ffd9b8" if theme == "light" and dark_shade else ("#b2440e" if theme == "light" else "#e69f00")
        )
    if theme == "light":
        return colours.page if dark_shade else colours.text
    return colours.text if dark_shade else colours.page


def _told(found: Mapping[str, Any], names: Sequence[str], at: int) -> str:
    alone = float(found["alone"][at])
    said = (
        "a mark that stands for no text" if alone != alone else f"probability when hidden {number(alone, 4)}"
    )
    return f"<b>{names[at]}</b> (token {at})<br>{said}"


def _candidates(
    figure: go.Figure, found: Mapping[str, Any], place: tuple[int, int], name: str, theme: str
) -> None:
    """Bars of one mask's candidates, likeliest at the top; the word that stood there has its own colour."""
    column, count = place
    colours = palette(theme)
    words = tokens(map(str, found["candidates"][column]))
    chances = np.asarray(found["probabilities"][column], np.float64)
    hidden = bool(found["hidden"][column])
    right = [hidden and word == name for word in words]
    suffix = str(column + 2)
    figure.add_bar(
        x=plain(chances), y=plain(np.arange(len(words))), orientation="h", showlegend=False,
        marker={"color": [colours.categories[2] if hit else colours.categories[0] for hit in right]},
        text=[f"{word}  {chance:.1%}" for word, chance in zip(words, chances, strict=True)],
        textposition="auto", cliponaxis=False, textfont={"size": SIZE - 1},
        customdata=[
            f"<b>{word}</b><br>probability {number(float(chance), 5)}"
            for word, chance in zip(words, chances, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>", xaxis=f"x{suffix}", yaxis=f"y{suffix}",
    )  # fmt: skip
    width = 1 / count
    told = f"token {found['positions'][column]}"
    if hidden:
        told += f", was “{name}” ({float(found['true'][column]):.1%}, place {int(found['ranks'][column])})"
    domain = [column * width + 0.01, (column + 1) * width - 0.02]
    figure.update_layout({
        f"xaxis{suffix}": {
            "domain": domain, "anchor": f"y{suffix}", "title": "probability", "range": [0, 1.0],
            "tickformat": ".0%", "zeroline": False,
        },
        f"yaxis{suffix}": hidden_axis(
            domain=[0, 1 - _TEXT_SHARE - 0.16], anchor=f"x{suffix}", range=[len(words) - 0.5, -0.5]
        ),
    })  # fmt: skip
    figure.add_annotation(
        text=told, x=domain[0], y=1 - _TEXT_SHARE - 0.14, xref="paper", yref="paper", xanchor="left",
        yanchor="bottom", showarrow=False, font={"size": SIZE - 1, "color": colours.muted},
    )  # fmt: skip
