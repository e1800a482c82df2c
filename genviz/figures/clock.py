"""Figures along a training: one picture per step, all of them in the figure, so that nothing is asked again.

The figure carries its own slider and button; a page with a clock for all its pictures takes them out.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from genviz.figures.theme import SIZE, palette

CLOCK = "clock"
_AT_ONCE = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
_ROOM = 92  # px below the axes


def wind(figure: go.Figure, frames: Sequence[Any], *, steps: Sequence[int], at: int, theme: str) -> None:
    """Give a figure its frames, and what plays them.

    Parameters
    ----------
    figure : Figure
        As it is at step number ``at``.
    frames : sequence of list of traces
        The traces that change, the same ones for each step; they are the figure's first.
    steps : sequence of int
        Training steps.
    at : int
        Which of them is shown first.
    theme : {"light", "dark"}
    """
    figure.frames = [
        go.Frame(data=traces, traces=list(range(len(traces))), name=str(step))
        for step, traces in zip(steps, frames, strict=True)
    ]
    colours = palette(theme)
    bottom = figure.layout.margin.b or 52
    slider = {
        "name": CLOCK, "active": at, "len": 0.86, "x": 0.14, "pad": {"t": bottom - 2, "b": 4},
        "currentvalue": {"prefix": "training step ", "font": {"size": SIZE - 1, "color": colours.muted}},
        "font": {"size": SIZE - 3, "color": colours.muted}, "bgcolor": colours.panel,
        "bordercolor": colours.line, "activebgcolor": colours.accent,
        "steps": [
            {"label": f"{step:,}", "method": "animate", "args": [[str(step)], _AT_ONCE]} for step in steps
        ],
    }  # fmt: skip
    play = {
        "label": "Play", "method": "animate",
        "args": [None, {**_AT_ONCE, "frame": {"duration": 700, "redraw": True}, "fromcurrent": True}],
    }  # fmt: skip
    pause = {"label": "Pause", "method": "animate", "args": [[None], _AT_ONCE]}
    figure.update_layout(
        sliders=[slider], margin={"b": bottom + _ROOM},
        updatemenus=[{
            "name": CLOCK, "type": "buttons", "direction": "left", "showactive": False, "x": 0, "y": 0,
            "xanchor": "left", "yanchor": "top", "pad": {"t": bottom + 22}, "buttons": [play, pause],
            "bgcolor": colours.panel, "bordercolor": colours.line, "font": {"size": SIZE - 2},
        }],
    )  # fmt: skip


def unwind(figure: go.Figure) -> None:
    """Take slider and button out again; the frames stay."""
    if not any(slider.name == CLOCK for slider in figure.layout.sliders):
        return
    figure.layout.sliders = [slider for slider in figure.layout.sliders if slider.name != CLOCK]
    figure.layout.updatemenus = [menu for menu in figure.layout.updatemenus if menu.name != CLOCK]
    figure.layout.margin.b = figure.layout.margin.b - _ROOM
