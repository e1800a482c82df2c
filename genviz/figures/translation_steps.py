"""An answer that is written word by word: where each step looks in the source, and what may come next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette, role

LABELS_UP_TO = 40  # source words that can be named below the map
NUMBERS_UP_TO = 10  # cells per side up to which each shows its number


@dataclass(frozen=True)
class Written:
    """An answer on its way.

    Parameters
    ----------
    source : sequence of str
        Words that are translated.
    target : sequence of str
        Words that the decoder reads, its start mark first.
    step : int
        The place of the last word that is there by now.
    first : int
        The step of the first row that is shown.
    """

    source: Sequence[str]
    target: Sequence[str]
    step: int
    first: int = 0


def translation_steps(
    weights: NDArray[np.floating[Any]],
    written: Written,
    *,
    following: Sequence[tuple[str, float]] = (),
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the alignment up to a step, the words so far, and what may come next.

    Parameters
    ----------
    weights : float array, (step, source word)
        Cross-attention of the rows shown; those after the step are left blank.
    written : Written
    following : sequence of (str, float)
        Likeliest next words and their probabilities; empty where none were recorded.
    title, note : str
    theme : {"light", "dark"}
    """
    subtitle = " ".join(tokens(written.target[: written.step + 1][-12:]))
    figure = blank(theme, clean(title), f"so far: <b>{subtitle}</b> …", margin={"t": 104})
    _alignment(figure, weights, written, theme)
    _following(figure, following, theme)
    if note:
        foot(figure, clean(note, 500), theme)
    return figure


def _alignment(figure: go.Figure, weights: NDArray[Any], written: Written, theme: str) -> None:
    steps = np.arange(written.first, written.first + len(weights))
    source, rows = tokens(written.source), tokens(written.target)
    labels = [
        f"{rows[at]} → {rows[at + 1] if at + 1 < len(rows) and at < written.step else '?'}"
        if at <= written.step else ""
        for at in steps
    ]  # fmt: skip
    shown = np.where((steps <= written.step)[:, None], weights, np.nan)
    hover = [[f"<b>{row}</b><br>looks at <b>{word}</b> ({at})" for at, word in enumerate(source)]
             for row in labels]  # fmt: skip
    small = max(shown.shape) <= NUMBERS_UP_TO
    numbers = {"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 2}} if small else {}
    figure.add_heatmap(
        z=plain(shown), x0=0, dx=1, y0=int(steps[0]), dy=1, zmin=0, zmax=1, xgap=1, ygap=1,
        colorscale=[list(stop) for stop in palette(theme).magnitude], text=hover, hoverongaps=False,
        customdata=plain(np.broadcast_to(steps[:, None, None], (*shown.shape, 1))),
        hovertemplate="%{text}<br>weight %{z:.6f}<extra></extra>", name="alignment",
        colorbar=colorbar("weight", x=0.545, len=0.9, nticks=5), **numbers,
    )  # fmt: skip
    figure.add_shape(
        type="rect", x0=-0.5, x1=len(source) - 0.5, y0=written.step - 0.5, y1=written.step + 0.5,
        line={"color": role("path", theme), "width": 3}, name="this step",
    )  # fmt: skip
    every = -(-len(source) // LABELS_UP_TO)
    figure.update_layout(
        xaxis={
            "domain": [0, 0.54], "title": "source word", "tickvals": list(range(0, len(source), every)),
            "ticktext": source[::every], "range": [-0.5, len(source) - 0.5], "showgrid": False,
            "zeroline": False, "tickangle": -45 if len(source) > 8 else 0,
        },
        yaxis={
            "title": "word read → word written", "tickvals": steps.tolist(), "ticktext": labels,
            "range": [steps[-1] + 0.5, steps[0] - 0.5], "showgrid": False, "zeroline": False,
        },
    )  # fmt: skip


def _following(figure: go.Figure, following: Sequence[tuple[str, float]], theme: str) -> None:
    names = [f"{name}\u2003" for name in tokens(name for name, _ in following)]
    chances = np.array([chance for _, chance in following], np.float64)
    figure.add_bar(
        x=plain(chances), y=plain(np.arange(len(names))), orientation="h", xaxis="x2", yaxis="y2",
        marker={"color": [role("path" if at == 0 else "decoder", theme) for at in range(len(names))]},
        text=[f"{chance:.1%}" for chance in chances], textposition="outside", cliponaxis=False,
        customdata=names, hovertemplate="<b>%{customdata}</b><br>probability %{x:.6f}<extra></extra>",
        showlegend=False, name="next word",
    )  # fmt: skip
    figure.update_layout(
        xaxis2={"domain": [0.8, 0.96], "anchor": "y2", "title": "probability of the next word",
                "range": [0, 1], "tickformat": ".0%", "nticks": 4},
        yaxis2={"anchor": "x2", "title": "next word", "tickvals": list(range(len(names))), "ticktext": names,
                "range": [max(len(names), 1) - 0.4, -0.6], "showgrid": False, "zeroline": False},
    )  # fmt: skip
