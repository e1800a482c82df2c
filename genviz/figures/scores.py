"""What a discriminator says of real and of generated items."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.adversarial import Densities, densities
from genviz.figures.arrays import plain
from genviz.figures.base import blank
from genviz.figures.colours import tint
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette, role


def score_histograms(
    real: NDArray[Any],
    fake: NDArray[Any],
    *,
    threshold: float | None,
    unit: str,
    bins: int = 40,
    span: tuple[float, float] | None = None,
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw both densities over one axis, with the line where a score stops meaning *fake*.

    Parameters
    ----------
    real, fake : float arrays, (sample,)
    threshold : float or None
        The decision line, in the scores' unit; None where there is none.
    unit : str
        Title of the axis.
    bins : int
    span : (low, high), optional
        Ends of the axis; all values without it.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), bargap=0, hovermode="x unified")
    found = densities(real, fake, bins=bins, span=span)
    for group, (name, scores) in enumerate((("real", real), ("fake", fake))):
        _outline(figure, found, group, name=name, scores=scores, theme=theme)
        _mean_line(figure, name, scores, theme=theme)
    if threshold is not None:
        _decision(figure, threshold, theme)
    figure.update_xaxes(title=unit, zeroline=False, range=[found.edges[0], found.edges[-1]])
    figure.update_yaxes(title="density (area = 1)", rangemode="tozero")
    figure.update_layout(
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.07, "yanchor": "bottom"},
        margin={"t": 92},
    )
    return figure


def _decision(figure: go.Figure, threshold: float, theme: str) -> None:
    """The line where a score stops meaning *fake*."""
    figure.add_vline(x=threshold, line={"color": palette(theme).text, "width": 1.5, "dash": "dash"})
    for text, anchor, shift in (("← judged fake", "right", -8), ("judged real →", "left", 8)):
        figure.add_annotation(
            x=threshold,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor=anchor,
            xshift=shift,
            text=text,
            showarrow=False,
            font={"size": SIZE - 1, "color": palette(theme).muted},
        )


def _outline(
    figure: go.Figure, found: Densities, group: int, *, name: str, scores: NDArray[Any], theme: str
) -> None:
    colour = role(name, theme)
    wide = np.asarray(scores, np.float64)
    nan, finite = int(np.isnan(wide).sum()), wide[np.isfinite(wide)]
    mean = f" · mean {finite.mean():.3f}" if finite.size else ""
    figure.add_scatter(
        x=plain(found.edges),
        y=plain(np.append(found.density[group], found.density[group, -1])),
        mode="lines",
        fill="tozeroy",
        fillcolor=tint(colour, 0.32),
        line={"shape": "hv", "color": colour, "width": 2.5},
        name=f"{name} · {len(scores):,} items{mean}" + (f" · {nan:,} NaN" if nan else ""),
        customdata=plain(np.append(found.edges[1:], found.edges[-1])),
        hovertemplate="%{y:.4f} at %{x:.3f} – %{customdata:.3f}",
    )


def _mean_line(figure: go.Figure, name: str, scores: NDArray[Any], *, theme: str) -> None:
    finite = np.asarray(scores, np.float64)[np.isfinite(scores)]
    if finite.size:
        figure.add_vline(
            x=float(finite.mean()),
            line={"color": role(name, theme), "width": 2, "dash": "dot"},
        )
