"""What every figure starts from: the theme, a short title, a line of small print, pictures on axes."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from genviz.figures import theme as look

SMALL_PRINT = "small print"  # name of the annotation
LINE = 100  # characters of small print on a line


def blank(theme: str, title: str = "", subtitle: str = "", **layout: Any) -> go.Figure:
    """Return an empty figure in a theme; ``title`` and ``subtitle`` are escaped already."""
    figure = go.Figure()
    figure.update_layout(template=look.template(theme), title={"text": title})
    if subtitle:
        font = {"size": look.SIZE - 1, "color": look.palette(theme).muted}
        figure.update_layout(title={"subtitle": {"text": subtitle, "font": font}}, margin={"t": 84})
    figure.update_layout(**layout)
    return figure


def subplots(theme: str, title: str = "", subtitle: str = "", **grid: Any) -> go.Figure:
    """Return an empty figure in a theme with several pairs of axes; ``grid`` as of ``make_subplots``.

    The grid is laid into a figure that has its theme: a grid of its own comes in Plotly's look, and merging
    another one into that takes eight times as long.
    """
    return make_subplots(figure=blank(theme, title, subtitle), **grid)


def small_print(figure: go.Figure, text: str, theme: str) -> None:
    """Say what the figure leaves out or assumes, at its foot (``text`` is escaped already)."""
    text = (
        text if "<" in text else "<br>".join(wrap(text, LINE, break_long_words=False, break_on_hyphens=False))
    )
    lines = 1 + text.count("<br>")
    figure.add_annotation(
        text=text,
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0,
        y=0,
        xanchor="left",
        yanchor="top",
        yshift=-(figure.layout.margin.b or 72) + 8 + 18 * lines,
        align="left",
        name=SMALL_PRINT,
        font={"size": look.SIZE - 2, "color": look.palette(theme).muted},
    )


def foot(figure: go.Figure, text: str, theme: str) -> None:
    """Small print with as much room below the axes as it takes."""
    lines = 1 + text.count("<br>") if "<" in text else len(wrap(text, LINE, break_long_words=False))
    figure.update_layout(margin={"b": 56 + 18 * lines})
    small_print(figure, text, theme)


def place(
    figure: go.Figure, source: str, *, x: float, y: float, width: float, height: float, **where: Any
) -> None:
    """Lay a picture on the axes with its top left corner at ``(x, y)``, stretched to the size given."""
    lay(figure, [picture(source, x=x, y=y, width=width, height=height, **where)])


def picture(source: str, *, x: float, y: float, width: float, height: float, **where: Any) -> dict[str, Any]:
    """Describe a picture whose top left corner is at ``(x, y)``, for :func:`lay`."""
    return {
        "source": source,
        "x": x,
        "y": y,
        "sizex": width,
        "sizey": height,
        "xref": "x",
        "yref": "y",
        "xanchor": "left",
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
        **where,
    }


def lay(figure: go.Figure, pictures: Sequence[dict[str, Any]]) -> None:
    """Lay pictures on the axes together: Plotly looks at all that are there whenever some are added."""
    figure.layout.images = (*figure.layout.images, *pictures)


def hidden_axis(**more: Any) -> dict[str, Any]:
    """An axis that only places things: no line, ticks, grid or zero."""
    return {"showgrid": False, "zeroline": False, "showticklabels": False, "showline": False, **more}
