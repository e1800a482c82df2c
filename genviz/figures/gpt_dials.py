"""How large a GPT is: its parameters, the memory and the time that they take, one under the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
import plotly.graph_objects as go

from genviz.figures.base import hidden_axis, subplots
from genviz.figures.cells import ink
from genviz.figures.colours import rgb
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette, role

_HEIGHTS = (0.2, 0.34, 0.46)
_ROOM = 0.13  # between the rows, for headings and legends
_TIMES = (
    (1e-6, "1 µs"), (1e-3, "1 ms"), (1, "1 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 day"),
    (31_557_600, "1 year"), (3.15576e10, "1,000 years"), (3.15576e13, "1 M years"),
    (3.15576e16, "1 B years"),
)  # fmt: skip
_UNITS = (
    (31_557_600, "years"), (86_400, "days"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"),
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """A part of a stacked bar.

    Parameters
    ----------
    name, role : str
        Of the part; of its colour.
    value : float
    legend, text, hover : str
        Beside the colour, inside the bar where there is room, and on hover; escaped already.
    """

    name: str
    role: str
    value: float
    legend: str
    text: str
    hover: str


@dataclass(frozen=True)
class Duration:
    """How long something takes.

    Parameters
    ----------
    name : str
    seconds : float
    least, most : float
        What its measured speed leaves open; the same as ``seconds`` where that is a published one.
    hover : str
    first : bool
        Whether it is this machine's.
    """

    name: str
    seconds: float
    least: float
    most: float
    hover: str
    first: bool = True


def gpt_dials(
    parameters: Sequence[Share],
    memory: Mapping[str, Sequence[Share]],
    times: Sequence[Duration],
    *,
    headings: tuple[str, str, str],
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw parameters by part, memory by use, and durations on a logarithmic axis.

    Parameters
    ----------
    parameters : sequence of Share
    memory : mapping of str to sequence of Share
        One bar per use.
    times : sequence of Duration
    headings : (str, str, str)
        Above each of the three; escaped already.
    title : str
    theme : {"light", "dark"}
    """
    figure = subplots(theme, clean(title), rows=3, row_heights=_HEIGHTS, vertical_spacing=_ROOM)
    _stacked(figure, {"all": parameters}, 1, theme)
    _stacked(figure, memory, 2, theme)
    _timed(figure, times, theme)
    figure.update_layout(
        barmode="stack", bargap=0.22, margin={"t": 92, "r": 16, "b": 50},
        uniformtext={"minsize": SIZE - 3, "mode": "hide"},
        legend=_legend(figure, 1, headings[0]), legend2=_legend(figure, 2, headings[1]),
    )  # fmt: skip
    figure.add_annotation(
        text=headings[2], showarrow=False, xref="paper", yref="paper", x=0, y=_top(figure, 3),
        xanchor="left", yanchor="bottom", yshift=3, align="left", font={"size": SIZE},
    )  # fmt: skip
    return figure


def _top(figure: go.Figure, row: int) -> float:
    top: float = figure.layout[f"yaxis{row if row > 1 else ''}"].domain[1]
    return top


def _legend(figure: go.Figure, row: int, heading: str) -> dict[str, object]:
    """The legend of a row under its heading: where the window is narrow, both grow upwards together."""
    return {
        "orientation": "h", "x": 0, "xanchor": "left", "y": _top(figure, row), "yanchor": "bottom",
        "title": {"text": heading, "side": "top", "font": {"size": SIZE}}, "itemwidth": 30,
        "font": {"size": SIZE - 2}, "itemclick": False, "itemdoubleclick": False, "traceorder": "normal",
    }  # fmt: skip


def _stacked(figure: go.Figure, bars: Mapping[str, Sequence[Share]], row: int, theme: str) -> None:
    """One trace per kind of share, so that the same one has one colour and one entry in every bar."""
    every: dict[str, dict[str, Share]] = {}
    for bar, shares in bars.items():
        for share in shares:
            every.setdefault(share.name, {})[bar] = share
    for found in every.values():
        colour = role(next(iter(found.values())).role, theme)
        figure.add_bar(
            orientation="h",
            y=[clean(bar) for bar in found],
            x=[share.value for share in found.values()],
            text=[share.text for share in found.values()],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"color": str(ink(np.array([rgb(colour)]))[0])},
            marker={"color": colour, "line": {"color": palette(theme).page, "width": 1}},
            hovertext=[share.hover for share in found.values()],
            hovertemplate="%{hovertext}<extra></extra>",
            name=next(iter(found.values())).legend,
            legend="legend" if row == 1 else "legend2",
            row=row,
            col=1,
        )
    longest = max(sum(share.value for share in shares) for shares in bars.values())
    figure.update_xaxes(**hidden_axis(range=[0, longest]), row=row, col=1)
    labels = {"showticklabels": len(bars) > 1, "title": {"text": "memory"} if len(bars) > 1 else None}
    figure.update_yaxes(autorange="reversed", showgrid=False, row=row, col=1, **labels)


def _timed(figure: go.Figure, times: Sequence[Duration], theme: str) -> None:
    if not times:
        figure.update_xaxes(**hidden_axis(), row=3, col=1)
        figure.update_yaxes(**hidden_axis(), row=3, col=1)
        return
    colours = palette(theme)
    figure.add_scatter(
        y=[clean(each.name, 40) for each in times],
        x=[each.seconds for each in times],
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 5, "color": colours.muted,
            "array": [each.most - each.seconds for each in times],
            "arrayminus": [each.seconds - each.least for each in times],
        },
        mode="markers",
        marker={"size": 14, "color": [colours.accent if each.first else colours.muted for each in times]},
        hovertext=[each.hover for each in times],
        hovertemplate="%{hovertext}<extra></extra>",
        name="time",
        showlegend=False,
        row=3,
        col=1,
    )  # fmt: skip
    figure.add_scatter(
        y=[clean(each.name, 40) for each in times],
        x=[each.most for each in times],
        mode="text",
        text=[f"   <b>{duration(each.seconds)}</b>" for each in times],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
        row=3,
        col=1,
    )
    low, high = min(each.least for each in times) / 4, max(each.most for each in times) * 400
    shown = [(at, text) for at, text in _TIMES if low <= at <= high]
    figure.update_xaxes(
        title="time (logarithmic)", type="log", tickvals=[at for at, _ in shown], range=_log_range(low, high),
        ticktext=[text for _, text in shown], row=3, col=1,
    )  # fmt: skip
    figure.update_yaxes(title="job", autorange="reversed", showgrid=True, row=3, col=1)


def _log_range(low: float, high: float) -> list[float]:
    return [log10(low), log10(high)]


def duration(seconds: float) -> str:
    """Write a time in the unit that people would use.

    Examples
    --------
    >>> duration(0.0042), duration(5400), duration(3e12)
    ('4.2 ms', '1.5 h', '95.1 k years')
    """
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds >= unit), _UNITS[-1])
    value = seconds / unit
    for large, sign in ((1e9, "B "), (1e6, "M "), (1e4, "k ")):
        if value >= large:
            value, name = value / (1e3 if sign == "k " else large), sign + name
            break
    return f"{value:,.3g} {name}" if value < 1000 else f"{value:,.0f} {name}"
