"""A token's nearest neighbours in the vocabulary as bars."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.text import clean, count, number, token, tokens
from genviz.figures.theme import palette, role


def embedding_neighbours(found: Mapping[str, Any], *, theme: str = "light") -> go.Figure:
    """Draw the cosine of a token's embedding with those nearest to it, nearest at the top.

    Parameters
    ----------
    found : mapping
        From :meth:`genviz.live.LanguageModel.embedding_neighbours`.
    theme : {"light", "dark"}
    """
    names = tokens(map(str, found["names"]))
    cosines = np.asarray(found["cosines"], np.float64)
    places = np.arange(len(names))
    figure = blank(theme, f"nearest to {token(found['name'])} among {count(found['rows'])} tokens")
    figure.add_bar(
        x=plain(cosines), y=plain(places), orientation="h", showlegend=False,
        marker={"color": role("embedding", theme)},
        customdata=[
            f"<b>{name}</b> (id {each})<br>cosine {number(float(value), 5)}"
            for name, each, value in zip(names, found["ids"], cosines, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(
        title="token", tickmode="array", tickvals=list(map(int, places)), ticktext=names,
        range=[len(names) - 0.4, -0.6], showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_xaxes(title="cosine of the embeddings")
    _typical(figure, float(found["typical"]), theme)
    foot(figure, _notes(found), theme)
    return figure


def _typical(figure: go.Figure, value: float, theme: str) -> None:
    """A line at what two tokens have in common anyway."""
    if np.isfinite(value):
        figure.add_vline(x=value, line={"color": palette(theme).muted, "dash": "dot"})


def _notes(found: Mapping[str, Any]) -> str:
    return (  # in short lines: the figure often stands beside another
        f"Rows of {clean(found['table'], 40)}, before position or context.<br>"
        f"{found['width']} channels; length of this row {number(found['norm'], 4)}.<br>"
        f"Dotted: mean cosine with all other tokens, {number(float(found['typical']), 3)}."
    )
