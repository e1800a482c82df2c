"""Tables as figures: facts of a model, what was captured."""

from collections.abc import Sequence

import plotly.graph_objects as go

from genviz.figures.base import blank
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    widths: Sequence[float],
    title: str = "",
    theme: str = "light",
    size: int = SIZE,
) -> go.Figure:
    """Draw rows of text; the first column stands out.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequences of str
        Text as it is; it is escaped here.
    widths : sequence of float
        Relative widths of the columns.
    title : str
    theme : {"light", "dark"}
    size : int
        Of the type, in px.
    """
    colours = palette(theme)
    figure = blank(theme, clean(title), margin={"l": 16, "r": 16, "t": 56, "b": 12})
    cells = [[clean(row[at], 240) for row in rows] for at in range(len(columns))]
    stripes = [colours.page if n % 2 else colours.panel for n in range(len(rows))]
    figure.add_table(
        columnwidth=list(widths),
        header={
            "values": [f"<b>{clean(name)}</b>" for name in columns],
            "align": "left",
            "height": size * 2.4,
            "fill": {"color": colours.page},
            "line": {"color": colours.line, "width": 1},
            "font": {"size": size, "color": colours.muted},
        },
        cells={
            "values": cells,
            "align": "left",
            "height": size * 2.25,
            "fill": {"color": [stripes]},
            "line": {"color": colours.line, "width": 0.5},
            "font": {"size": size, "color": colours.text, "weight": [600] + [400] * (len(columns) - 1)},
        },
    )
    return figure
