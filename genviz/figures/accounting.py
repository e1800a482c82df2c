"""Parameters part by part, with the formula beside the number; and beside other models."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from genviz.analysis.accounting import PARTS, PartCount
from genviz.figures.base import blank, foot
from genviz.figures.text import clean, count
from genviz.figures.theme import SIZE, palette

_MOST_TENSORS = 14  # listed on hover


def accounting(
    parts: Sequence[PartCount],
    letters: Mapping[str, tuple[int, str]],
    *,
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw one bar per part: number, share and formula beside it, every tensor on hover.

    Parameters
    ----------
    parts : sequence of PartCount
        From :func:`genviz.analysis.accounting.account`.
    letters : mapping
        Letter of the formulas → (value, meaning).
    title : str
    theme : {"light", "dark"}
    """
    total = sum(part.count for part in parts)
    figure = blank(theme, clean(title), f"{total:,} parameters, shared ones counted once")
    names = [PARTS[part.part] for part in parts]
    figure.add_bar(
        orientation="h",
        y=names,
        x=[part.count for part in parts],
        text=[_beside(part, total) for part in parts],
        textposition="outside",
        cliponaxis=False,
        textfont={"size": SIZE},
        marker={"color": [palette(theme).categories[n % 10] for n in range(len(parts))]},
        hovertext=[_hover(part) for part in parts],
        hovertemplate="%{hovertext}<extra></extra>",
        name="parameters",
    )
    most = max((part.count for part in parts), default=1) or 1
    figure.update_xaxes(title="parameters (number)", range=[0, most * 2.1], rangemode="tozero")
    figure.update_yaxes(title="part", autorange="reversed", showgrid=False, tickfont={"size": SIZE})
    figure.update_layout(bargap=0.45, showlegend=False)
    said = ", ".join(f"{letter} = {value:,} ({meaning})" for letter, (value, meaning) in letters.items())
    foot(figure, said or "The model does not tell its sizes.", theme)
    return figure


def _beside(part: PartCount, total: int) -> str:
    share = f"{part.count / total:.1%}" if total else ""
    return f" <b>{count(part.count)}</b> · {share} · {clean(part.formula, 90)}"


def _hover(part: PartCount) -> str:
    lines = [f"<b>{PARTS[part.part]}</b>: {part.count:,} parameters, {part.bytes:,} bytes"]
    lines += [clean(tensor, 110) for tensor in part.tensors[:_MOST_TENSORS]]
    more = len(part.tensors) - _MOST_TENSORS
    return "<br>".join([*lines, *([f"and {more} more"] if more > 0 else [])])


def model_sizes(sizes: Sequence[tuple[str, int, str]], *, title: str = "", theme: str = "light") -> go.Figure:
    """Draw models by their number of parameters on one logarithmic axis; the first stands out.

    Parameters
    ----------
    sizes : sequence of (name, parameters, details)
        Details are text shown on hover.
    title : str
    theme : {"light", "dark"}
    """
    colours = palette(theme)
    figure = blank(theme, clean(title))
    figure.add_scatter(
        y=[clean(name, 40) for name, _, _ in sizes],
        x=[number for _, number, _ in sizes],
        text=[f"  <b>{count(number)}</b>" for _, number, _ in sizes],
        mode="markers+text",
        textposition="middle right",
        cliponaxis=False,
        marker={"color": [colours.accent, *[colours.muted] * (len(sizes) - 1)], "size": 18},
        hovertext=[f"<b>{clean(name)}</b>: {number:,} parameters<br>{text}" for name, number, text in sizes],
        hovertemplate="%{hovertext}<extra></extra>",
        name="parameters",
    )
    figure.update_xaxes(title="parameters (number, logarithmic)", type="log", dtick=1, exponentformat="B")
    figure.update_yaxes(title="model", autorange="reversed", showgrid=True)
    figure.update_layout(showlegend=False, margin={"r": 96})
    return figure
