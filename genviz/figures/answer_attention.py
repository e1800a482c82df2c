"""Attention of one place in an answer, every layer a row, over the prompt and what was written before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar
from genviz.figures.text import clean, layer_labels, token, tokens
from genviz.figures.theme import SIZE, palette, role

LABELS_UP_TO = 48  # words below the map that have room for their names
NUMBERS_UP_TO = 12  # columns up to which each cell shows its number


@dataclass(frozen=True)
class Part:
    """One layer's weights.

    Parameters
    ----------
    site : str
    weights : float array, (key,)
    own : bool
        Whether the keys are those of the answer alone (an encoder–decoder's decoder looking at itself).
    """

    site: str
    weights: NDArray[np.float64]
    own: bool = False


def answer_attention(
    parts: Sequence[Part], prompt: Sequence[str], answer: Sequence[str], step: int, *, title: str = "",
    theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Draw where each layer looked when the answer's word number ``step`` was chosen.

    Parameters
    ----------
    parts : sequence of Part
    prompt, answer : sequence of str
        Tokens.
    step : int
    title : str
    theme : {"light", "dark"}
    """
    written = len(answer[:step])
    columns = [*tokens(prompt), *tokens(answer[:step])]
    start = len(prompt)
    two_sided = any(part.own for part in parts)
    columns = [*columns[:start], "(start)", *columns[start:]] if two_sided else columns
    rows = np.full((len(parts), len(columns)), np.nan)
    for row, part in zip(rows, parts, strict=True):
        at = start if part.own else 0
        row[at : at + len(part.weights)] = part.weights
    read = columns[-1] if columns else ""
    figure = blank(
        theme, f"read <b>{read}</b>, wrote <b>{token(answer[step])}</b> · {clean(title)}",
        "each row sums to 1" + (" over the prompt and over the answer" if two_sided else ""),
    )  # fmt: skip
    _map(figure, rows, columns, parts, theme)
    figure.add_vline(
        x=start - 0.5, line={"color": role("path", theme), "width": 2}, name="prompt | answer",
        annotation_text="answer →" if written or two_sided else None, annotation_position="top right",
        annotation_font={"size": SIZE - 2, "color": palette(theme).muted},
    )  # fmt: skip
    foot(figure, "The weights of the query at the last word read: what was written next follows from it. "
         "They tell what was mixed, not why the word was chosen.", theme)  # fmt: skip
    return figure


def _map(
    figure: go.Figure, rows: NDArray[Any], columns: Sequence[str], parts: Sequence[Part], theme: str
) -> None:
    names = [clean(part.site, 60) for part in parts]
    hover = [[f"<b>{word}</b> ({at})<br>{name}" for at, word in enumerate(columns)] for name in names]
    small = len(columns) <= NUMBERS_UP_TO
    numbers = {"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 2}} if small else {}
    figure.add_heatmap(
        z=plain(rows), x0=0, dx=1, y0=0, dy=1, zmin=0, zmax=1, xgap=1, ygap=1, text=hover, hoverongaps=False,
        colorscale=[list(stop) for stop in palette(theme).magnitude], name="weights",
        hovertemplate="%{text}<br>weight %{z:.6f}<extra></extra>", colorbar=colorbar("weight", nticks=5),
        **numbers,
    )  # fmt: skip
    every = -(-len(columns) // LABELS_UP_TO)
    figure.update_layout(
        xaxis={"title": "token that was there to look at", "tickvals": list(range(0, len(columns), every)),
               "ticktext": list(columns[::every]), "range": [-0.5, len(columns) - 0.5], "showgrid": False,
               "zeroline": False, "tickangle": -45 if len(columns) > 8 else 0},
        yaxis={"title": "layer", "tickvals": list(range(len(parts))),
               "ticktext": layer_labels([part.site for part in parts]),
               "range": [len(parts) - 0.5, -0.5], "showgrid": False, "zeroline": False},
    )  # fmt: skip
