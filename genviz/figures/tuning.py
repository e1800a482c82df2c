"""A model and what was fine-tuned from it: what both answer, and which weights moved."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.training import Moved
from genviz.figures.arrays import plain
from genviz.figures.base import blank, small_print
from genviz.figures.colours import colorbar, tint
from genviz.figures.tables import table
from genviz.figures.text import clean, count, number
from genviz.figures.theme import SIZE, palette

Row = tuple[str, str | None, tuple[str, str]]
Hits = tuple[bool | None, bool | None]
_LAYER = re.compile(r"^(.*?\d+)\.(.+)$")
_TENSOR = re.compile(r"\.?(weight|bias)$")
_BARS = 0.2  # of the height, for the share of right answers


def tuned_answers(
    rows: Sequence[Row], hits: Sequence[Hits], *, names: tuple[str, str], theme: str = "light"
) -> go.Figure:
    """List prompts with what two models answer, below the share that each gets word for word right.

    Parameters
    ----------
    rows : sequence of (prompt, right answer or None, (answer, answer))
    hits : sequence of (bool or None, bool or None)
        Whether each answer is right; None where that is not known.
    names : (str, str)
        This model and the other one.
    theme : {"light", "dark"}
    """
    colours = palette(theme)
    known = all(hit is not None for pair in hits for hit in pair)
    titles = ["prompt", "right answer", *names] if known else ["prompt", *names]
    cells = [[prompt, right or "", *told] if known else [prompt, *told] for prompt, right, told in rows]
    widths = (0.36, 0.2, 0.22, 0.22) if known else (0.3, 0.35, 0.35)
    figure = table(titles, cells, widths=widths, theme=theme, size=SIZE - 2)
    if not known:
        return figure
    stripes = [colours.page if n % 2 else colours.panel for n in range(len(rows))]
    marks = [[_mark(pair[side], theme) for pair in hits] for side in (0, 1)]
    shown = figure.data[0]
    shown.cells.fill.color = [stripes, stripes, *marks]
    shown.domain = {"x": [0, 1], "y": [0, 1 - _BARS - 0.1]}
    shares = [sum(bool(pair[side]) for pair in hits) / len(hits) for side in (0, 1)]
    figure.add_bar(
        x=plain(np.array(shares)), y=[0, 1], orientation="h", showlegend=False,
        marker={"color": [colours.categories[7], colours.categories[2]]},
        text=[f"{share:.0%}" for share in shares], textposition="outside", cliponaxis=False,
        hovertemplate="%{x:.1%} of " + f"{len(rows)} answers word for word right<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        xaxis={
            "domain": [0.36, 0.98], "anchor": "y", "range": [0, 1.12], "tickformat": ".0%",
            "tickvals": [0, 0.25, 0.5, 0.75, 1], "zeroline": False,
            "title": f"word for word right, of {len(rows)} prompts that were not trained on",
        },
        yaxis={
            "domain": [1 - _BARS, 1], "anchor": "x", "range": [1.6, -0.6], "showgrid": False,
            "zeroline": False, "tickmode": "array", "tickvals": [0, 1],
            "ticktext": [clean(name, 40) for name in names], "title": {"text": "model"},
        },
        margin={"t": 16, "b": 12},
    )  # fmt: skip
    return figure


def _mark(hit: bool | None, theme: str) -> str:
    colours = palette(theme)
    return tint(colours.categories[2 if hit else 1], 0.28 if hit else 0.16)


def weight_changes(
    changes: Mapping[str, Moved], *, names: tuple[str, str], theme: str = "light"
) -> go.Figure:
    """Draw by how much weights changed, a layer per row and a part per column, then what is in no layer.

    Parameters
    ----------
    changes : mapping of str to Moved
        By parameter name.
    names : (str, str)
        Before and after.
    theme : {"light", "dark"}
    """
    figure = blank(theme, margin={"t": 16, "b": 60})
    layers, others = grouped(changes)
    rows, parts = list(layers), list(dict.fromkeys(part for row in layers.values() for part in row))
    total = sum(changes.values(), Moved(0.0, 0.0, 0))
    top = max([each.relative for row in layers.values() for each in row.values()] +
              [each.relative for each in others.values()] + [1e-12])  # fmt: skip
    if rows:
        _layers(figure, layers, rows, parts, top, theme)
    if others:
        _others(figure, others, bool(rows), theme)
    figure.update_layout(margin={"b": 158})
    small_print(
        figure,
        f"From {clean(names[0], 40)} to {clean(names[1], 60)}: ‖after − before‖ / ‖before‖ (Frobenius), "
        f"weight and bias of a part together. All {count(total.count)} weights: {total.relative:.1%}; rows "
        "of added tokens are left out.",
        theme,
    )
    return figure


def grouped(changes: Mapping[str, Moved]) -> tuple[dict[str, dict[str, Moved]], dict[str, Moved]]:
    """Put weight and bias of a part together, by layer; and those that are in no layer.

    Examples
    --------
    >>> one = Moved(3.0, 10.0, 4)
    >>> both = {"h.0.fc.weight": one, "h.0.fc.bias": Moved(4.0, 0.0, 2)}
    >>> layers, others = grouped({**both, "norm.weight": one})
    >>> layers["h.0"]["fc"].change, list(others)
    (5.0, ['norm'])
    """
    layers: dict[str, dict[str, Moved]] = {}
    others: dict[str, Moved] = {}
    for name, change in changes.items():
        matched = _LAYER.match(name)
        row, part = (layers.setdefault(matched[1], {}), matched[2]) if matched else (others, name)
        part = _TENSOR.sub("", part) or part
        row[part] = row[part] + change if part in row else change
    return layers, others


def _layers(
    figure: go.Figure, layers: Mapping[str, Mapping[str, Moved]], rows: list[str], parts: list[str],
    top: float, theme: str,
) -> None:  # fmt: skip
    values = np.full((len(rows), len(parts)), np.nan, np.float32)
    hover = [["" for _ in parts] for _ in rows]
    for y, row in enumerate(rows):
        for x, part in enumerate(parts):
            if part in layers[row]:
                values[y, x] = 100 * layers[row][part].relative
                hover[y][x] = _told(f"{row}.{part}", layers[row][part])
    figure.add_heatmap(
        z=plain(values), text=hover, hoverongaps=False, zmin=0, zmax=100 * top, xgap=2, ygap=2,
        colorscale=[list(stop) for stop in palette(theme).magnitude],
        hovertemplate="%{text}<extra></extra>", colorbar=colorbar("change (% of the norm)"),
        texttemplate="%{z:.0f}" if len(parts) * len(rows) <= 96 else None, textfont={"size": SIZE - 2},
    )  # fmt: skip
    figure.update_layout(
        xaxis={"domain": [0, 0.62], "tickmode": "array", "tickvals": list(range(len(parts))), "tickangle": 25,
               "ticktext": [clean(part, 22) for part in parts], "title": "part", "showgrid": False,
               "zeroline": False},
        yaxis={"tickmode": "array", "tickvals": list(range(len(rows))), "title": "layer", "showgrid": False,
               "ticktext": [clean(row, 18) for row in rows], "range": [len(rows) - 0.5, -0.5],
               "zeroline": False},
    )  # fmt: skip
    figure.data[-1].colorbar.x = 0.63


def _others(figure: go.Figure, others: Mapping[str, Moved], beside: bool, theme: str) -> None:
    """Bars of what is in no layer: embeddings, final norm, output layer."""
    names = list(others)
    shares = np.array([100 * others[name].relative for name in names])
    figure.add_bar(
        x=plain(shares), y=plain(np.arange(len(names))), orientation="h", xaxis="x2", yaxis="y2",
        showlegend=False, marker={"color": palette(theme).categories[0]},
        text=[f"{clean(name, 26)}  {share:.0f}%" for name, share in zip(names, shares, strict=True)],
        textposition="auto", cliponaxis=False, customdata=[_told(name, others[name]) for name in names],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    top = float(np.max(shares[np.isfinite(shares)], initial=1.0))
    figure.update_layout(
        xaxis2={"domain": [0.76 if beside else 0.05, 1], "anchor": "y2", "range": [0, 1.9 * top],
                "title": "change (%), in no layer", "zeroline": False},
        yaxis2={"anchor": "x2", "showticklabels": False, "showgrid": False, "zeroline": False,
                "range": [len(names) - 0.5, -0.5]},
    )  # fmt: skip


def _told(name: str, change: Moved) -> str:
    return (
        f"<b>{clean(name, 60)}</b><br>{change.relative:.2%} of its norm {number(change.before, 4)}<br>"
        f"norm of the change {number(change.change, 4)}, {count(change.count)} weights<br>"
        f"typical change of a weight {number(change.typical, 3)}"
    )
