"""An answer that is written word by word: where each step looks in the source, and what may come next."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import LINE, small_print
from genviz.figures.cells import written_in
from genviz.figures.colours import colorbar
from genviz.figures.played import BAR, Picture, played
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette, role

LABELS_UP_TO = 40  # source words that can be named below the map
NUMBERS_UP_TO = 10  # cells per side up to which each shows its number
ROWS = 24  # steps that are shown at once
SAID = 12  # of the words so far
HEAD = 0.18  # of the map's height, for the words so far
PLAYED_UP_TO = 200_000  # cells of all steps together that a figure can hold

Following = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Written:
    """An answer, and how it came about.

    Parameters
    ----------
    source : sequence of str
        Words that are translated.
    target : sequence of str
        Words that the decoder reads, its start mark first.
    weights : float array, (step, source word)
        Cross-attention.
    following : sequence of sequence of (str, float)
        For each step the likeliest next words and their probabilities; empty where none were recorded.
    """

    source: Sequence[str]
    target: Sequence[str]
    weights: NDArray[np.floating[Any]]
    following: Sequence[Following]

    def shown(self, step: int) -> NDArray[np.int64]:
        """The steps whose rows are shown at a step."""
        first = max(0, step - ROWS + 1)
        return np.arange(first, min(len(self.weights), first + ROWS))


def translation_steps(
    written: Written, step: int, *, title: str = "", note: str = "", theme: str = "light"
) -> go.Figure:
    """Draw the alignment up to a step, the words so far, and what may come next.

    The figure holds all steps where that is not too much (:data:`PLAYED_UP_TO`), else this one.

    Parameters
    ----------
    written : Written
    step : int
        The place of the last word that is there by now.
    title, note : str
    theme : {"light", "dark"}
    """
    count = len(written.weights)
    whole = count * min(count, ROWS) * len(written.source) <= PLAYED_UP_TO
    every = range(count) if whole else [step]
    pictures = [_picture(written, each, theme) for each in every]
    shown = step if whole else 0
    figure = played(pictures, shown, control="step", theme=theme, title=clean(title))
    if not whole:  # another step is another figure
        figure.layout.meta = {}
    slid = BAR if whole and count > 1 else 0
    lines = len(wrap(note, LINE)) if note else 0
    figure.update_layout(margin={"b": 60 + 18 * lines + slid})
    if note:
        small_print(figure, clean(note, 500), theme)
    return figure


def _picture(written: Written, step: int, theme: str) -> Picture:
    steps, following = written.shown(step), written.following[step]
    cells = _alignment(written, steps, step, theme)
    data = [cells, _frame(written, step, theme), _so_far(written, steps, step, theme),
            _bars(following, theme)]  # fmt: skip
    if max(cells["z"].shape) <= NUMBERS_UP_TO:
        font = {"size": SIZE - 2}
        numbered = go.Heatmap(**cells, texttemplate="%{z:.2f}", textfont=font)
        data.append(written_in(numbered, 0).to_plotly_json())
    return Picture(data, {**_map_axes(written, steps, step), **_bar_axes(following)})


def _alignment(written: Written, steps: NDArray[np.int64], step: int, theme: str) -> dict[str, Any]:
    """Rows up to the step; what comes later is not there yet."""
    shown = np.where((steps <= step)[:, None], written.weights[steps], np.nan)
    return {
        "type": "heatmap", "z": plain(shown), "x0": 0, "dx": 1, "y0": int(steps[0]), "dy": 1, "zmin": 0,
        "zmax": 1, "xgap": 1, "ygap": 1, "colorscale": [list(stop) for stop in palette(theme).magnitude],
        "hoverongaps": False, "name": "alignment",
        "hovertemplate": "<b>%{y}</b><br>looks at <b>%{x}</b><br>weight %{z:.6f}<extra></extra>",
        "colorbar": colorbar("weight", x=0.545, len=0.9, nticks=5),
    }  # fmt: skip


def _frame(written: Written, step: int, theme: str) -> dict[str, Any]:
    """A frame around this step's row."""
    right, top, bottom = len(written.source) - 0.5, step - 0.5, step + 0.5
    return {
        "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False, "name": "this step",
        "x": plain(np.array([-0.5, right, right, -0.5, -0.5])),
        "y": plain(np.array([top, top, bottom, bottom, top])),
        "line": {"color": role("path", theme), "width": 3}, "cliponaxis": False,
    }  # fmt: skip


def _so_far(written: Written, steps: NDArray[np.int64], step: int, theme: str) -> dict[str, Any]:
    """The words that are there by now, above the map."""
    words = written.target[: step + 1]
    more = "… " if len(words) > SAID else ""
    return {
        "type": "scatter", "mode": "text", "hoverinfo": "skip", "showlegend": False, "name": "so far",
        "x": [-0.5], "y": [float(steps[0] - 0.5 - HEAD * len(steps) / 2)], "textposition": "middle right",
        "text": [f"so far: <b>{more}{' '.join(tokens(words[-SAID:]))}</b> …"], "cliponaxis": False,
        "textfont": {"size": SIZE, "color": palette(theme).text},
    }  # fmt: skip


def _map_axes(written: Written, steps: NDArray[np.int64], step: int) -> dict[str, Any]:
    source, rows = tokens(written.source), tokens(written.target)
    labels = [
        f"{rows[at]} → {rows[at + 1] if at + 1 < len(rows) and at < step else '?'}" if at <= step else ""
        for at in steps
    ]  # fmt: skip
    every = -(-len(source) // LABELS_UP_TO)
    return {
        "xaxis": {
            "domain": [0, 0.54], "title": {"text": "source word"}, "ticktext": source[::every],
            "tickvals": list(range(0, len(source), every)), "range": [-0.5, len(source) - 0.5],
            "showgrid": False, "zeroline": False, "tickangle": -45 if len(source) > 8 else 0,
        },
        "yaxis": {
            "title": {"text": "word read → word written"}, "tickvals": steps.tolist(), "ticktext": labels,
            "range": [int(steps[-1]) + 0.5, int(steps[0]) - 0.5 - HEAD * len(steps)], "showgrid": False,
            "zeroline": False,
        },
    }  # fmt: skip


def _bars(following: Following, theme: str) -> dict[str, Any]:
    names, chances = _named(following), np.array([chance for _, chance in following], np.float64)
    return {
        "type": "bar", "x": plain(chances), "y": plain(np.arange(len(names))), "orientation": "h",
        "xaxis": "x2", "yaxis": "y2", "cliponaxis": False, "showlegend": False, "name": "next word",
        "marker": {"color": [role("path" if at == 0 else "decoder", theme) for at in range(len(names))]},
        "text": [f"{chance:.1%}" for chance in chances], "textposition": "outside", "customdata": names,
        "hovertemplate": "<b>%{customdata}</b><br>probability %{x:.6f}<extra></extra>",
    }  # fmt: skip


def _bar_axes(following: Following) -> dict[str, Any]:
    names = _named(following)
    return {
        "xaxis2": {"domain": [0.8, 0.96], "anchor": "y2", "title": {"text": "probability of the next word"},
                   "range": [0, 1], "tickformat": ".0%", "nticks": 4},
        "yaxis2": {"anchor": "x2", "title": {"text": "next word"}, "tickvals": list(range(len(names))),
                   "ticktext": names, "range": [max(len(names), 1) - 0.4, -0.6], "showgrid": False,
                   "zeroline": False},
    }  # fmt: skip


def _named(following: Following) -> list[str]:
    return [f"{name}\u2003" for name in tokens(name for name, _ in following)]
