"""Figures that are played: one picture per step, all of them in the figure, so that playing asks nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import plotly.graph_objects as go

from genviz.figures.base import SMALL_PRINT, blank
from genviz.figures.theme import SIZE, palette

#: Key of a figure's ``meta``: the ``control`` whose values name its frames, the ``last``, and an ``id``.
PLAYED = "played"
BAR = 84  # px: room of the slider below a figure


@dataclass(frozen=True)
class Picture:
    """One step of a figure.

    Parameters
    ----------
    data : sequence of dict
        Traces, as many and of the same kinds in every step.
    layout : mapping
        What of the layout this step sets.
    """

    data: Sequence[dict[str, Any]]
    layout: Mapping[str, Any]


def played(
    pictures: Sequence[Picture], shown: int, *, control: str, theme: str, redraw: bool = True, **words: str
) -> go.Figure:
    """Make a figure of one picture that holds all the others as frames.

    What is the same in all pictures stands in the figure once. Frames are named by their place; the figure
    has a slider and buttons of its own, which pages that have such a control and still pictures take off
    (:func:`without_bar`).

    Parameters
    ----------
    pictures : sequence of Picture
    shown : int
        The one to begin with; beyond the last, the last.
    control : str
        Name of the control that says which one is shown.
    theme : {"light", "dark"}
    redraw : bool
        Whether a frame draws everything anew. Without, it takes half the time, and only points, lines, their
        words and ranges of axes may change; traces must never be empty.
    **words
        ``title``, ``subtitle``: of all pictures.
    """
    shown = min(max(shown, 0), len(pictures) - 1)
    now, figure = pictures[shown], blank(theme, **words)
    figure.add_traces([dict(trace) for trace in now.data])
    figure.update_layout(now.layout)
    changing = [_changing([picture.data[at] for picture in pictures]) for at in range(len(now.data))]
    moving = _changing([picture.layout for picture in pictures])
    figure.frames = [_frame(at, picture, changing, moving) for at, picture in enumerate(pictures)]
    told = {"control": control, "last": len(pictures) - 1, "id": _told_apart(pictures), "redraw": redraw}
    figure.layout.meta = {**(figure.layout.meta or {}), PLAYED: told}
    if len(pictures) > 1:
        figure.update_layout(**_bar(len(pictures), shown, control=control, theme=theme, redraw=redraw))
    return figure


def without_bar(layout: Any) -> None:
    """Take a figure's own slider and buttons off its layout (a Layout, or plain JSON), and their room."""

    def of(part: Any, name: str) -> Any:
        return (part[name] if name in part else None) or ()  # noqa: SIM401 (a Layout has no get)

    if PLAYED in of(layout, "meta") and of(layout, "sliders"):
        layout["sliders"], layout["updatemenus"] = [], []
        layout["margin"]["b"] = layout["margin"]["b"] - BAR
        for note in of(layout, "annotations"):
            if of(note, "name") == SMALL_PRINT:
                note["yshift"] = note["yshift"] + BAR


def _told_apart(pictures: Sequence[Picture]) -> int:
    """A number that tells one set of pictures from another."""
    words = (str(trace.get("text")) for picture in pictures for trace in picture.data)
    return crc32("\n".join(words).encode("utf-8", "replace"))


def _changing(parts: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names whose values are not the same in all."""
    names = set().union(*parts)
    return {name for name in names if any(not _same(part.get(name), parts[0].get(name)) for part in parts)}


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_same(first[name], second[name]) for name in first)
    if hasattr(first, "tobytes") and hasattr(second, "tobytes"):
        return bool(first.shape == second.shape and first.tobytes() == second.tobytes())
    return type(first) is type(second) and bool(first == second)


def _frame(at: int, picture: Picture, changing: Sequence[set[str]], moving: set[str]) -> dict[str, Any]:
    traces = [
        {"type": trace["type"], **{name: trace[name] for name in sorted(names)}}
        for trace, names in zip(picture.data, changing, strict=True)
    ]
    layout = {name: picture.layout[name] for name in sorted(moving)}
    return {"name": str(at), "data": traces, "traces": list(range(len(traces))), "layout": layout}


def _bar(count: int, shown: int, *, control: str, theme: str, redraw: bool) -> dict[str, Any]:
    now = {"mode": "immediate", "transition": {"duration": 0}, "frame": {"duration": 0, "redraw": redraw}}
    steps = [{"label": str(at), "method": "animate", "args": [[str(at)], now]} for at in range(count)]
    slower = {**now, "fromcurrent": True, "frame": {"duration": 600, "redraw": redraw}}
    buttons = [
        {"label": "▶", "method": "animate", "args": [None, slower]},
        {"label": "❚❚", "method": "animate", "args": [[None], now]},
    ]
    colours = palette(theme)
    place = {"y": 0, "yanchor": "top", "bgcolor": colours.panel, "bordercolor": colours.line}
    font = {"size": SIZE - 2, "color": colours.text}
    slider = {
        "active": shown, "steps": steps, "x": 0.12, "len": 0.88, "pad": {"t": 26}, "font": font,
        "currentvalue": {"prefix": f"{control} ", "xanchor": "right"}, **place,
    }  # fmt: skip
    menu = {
        "type": "buttons", "direction": "left", "showactive": False, "x": 0, "xanchor": "left",
        "pad": {"t": 30}, "buttons": buttons, "font": font, **place,
    }  # fmt: skip
    return {"sliders": [slider], "updatemenus": [menu]}
