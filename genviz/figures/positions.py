"""How a model knows the order of its tokens, as maps and lines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette, role

WIDEST = 1024  # channels drawn; of wider tables every k-th
_MOST_LINES = 32


def added(table: NDArray[Any], *, title: str, note: str = "", theme: str = "light") -> go.Figure:
    """Draw what is added to the token vectors, (position, channel)."""
    step = -(-table.shape[1] // WIDEST)
    shown, limit = table[:, ::step], _limit(table)
    figure = _map(shown, limit=limit, names=("position", "channel", "added"), theme=theme, dx=step)
    figure.update_layout(title={"text": clean(title)})
    figure.update_yaxes(title="position (token)", range=[len(table) - 0.5, -0.5])
    figure.update_xaxes(title="channel")
    every = [f"Every {step}th channel is drawn."] if step > 1 else []
    most = float(np.nanmax(np.abs(table), initial=0))
    few = [f"Colours end at ±{limit:.2g}; a few numbers reach ±{most:.2g}."] if most > limit else []
    return _said(figure, [note, *every, *few], theme)


def turned(
    frequencies: NDArray[Any], length: int, *, title: str, note: str = "", theme: str = "light"
) -> go.Figure:
    """Draw by how much each pair of channels is turned: cos(position × θ), (position, pair)."""
    values = np.cos(np.outer(np.arange(length), frequencies))
    figure = _map(values, limit=1.0, names=("position", "pair", "cos(position × θ)"), theme=theme)
    rates = [f"θ = {rate:.6g} rad per token, once round in {_round(rate)}" for rate in frequencies]
    figure.data[0].update(
        text=[rates] * length,
        hovertemplate="position %{y}, pair %{x}<br>%{text}<br>cos %{z:.6f}<extra></extra>",
    )
    figure.update_layout(title={"text": clean(title)})
    figure.update_yaxes(title="position (token)", range=[length - 0.5, -0.5])
    figure.update_xaxes(title="pair of channels")
    return _said(figure, [note], theme)


def by_distance(
    distances: NDArray[Any], bias: NDArray[Any], *, title: str, note: str = "", theme: str = "light"
) -> go.Figure:
    """Draw what is added to the scores by distance, a line per head; ``bias`` is (head, distance)."""
    figure = blank(theme, clean(title))
    for head, line in enumerate(bias[:_MOST_LINES]):
        figure.add_scatter(
            x=plain(distances),
            y=plain(line),
            mode="lines",
            name=f"head {head}",
            hovertemplate="key − query %{x}<br>bias %{y:.6f}",
        )
    figure.update_xaxes(title="distance: key − query (tokens)")
    figure.update_yaxes(title="added to the score")
    more = len(bias) - _MOST_LINES
    return _said(figure, [note, f"{more} further heads are not drawn." if more > 0 else ""], theme)


def similarity(
    values: NDArray[Any], *, title: str, what: str, cosine: bool = True, marked: int | None = None,
    note: str = "", theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Draw how alike two positions are, (position i, position j); NaN is left blank.

    The row of a ``marked`` position is framed, and the small print says which others it is most like.
    """
    limit = 1.0 if cosine else _limit(values)
    figure = _map(values, limit=limit, names=("position i", "j", what), theme=theme)
    figure.update_layout(title={"text": clean(title)})
    figure.update_yaxes(
        title="position i (token)", range=[len(values) - 0.5, -0.5], scaleanchor="x", constrain="domain"
    )
    figure.update_xaxes(title="position j (token)", constrain="domain")
    if marked is None:
        return _said(figure, [note], theme)
    figure.add_shape(
        type="rect", x0=-0.5, x1=values.shape[1] - 0.5, y0=marked - 0.5, y1=marked + 0.5, name="token",
        line={"color": role("path", theme), "width": 2.5},
    )  # fmt: skip
    return _said(figure, [_nearest(values[marked], marked, what), note], theme)


def _nearest(row: NDArray[Any], own: int, what: str, count: int = 3) -> str:
    """The positions that one is most like, in words."""
    others = np.where(np.arange(len(row)) == own, -np.inf, np.nan_to_num(row, nan=-np.inf))
    found = [at for at in np.argsort(-others, kind="stable")[:count] if np.isfinite(others[at])]
    told = ", ".join(f"{at} ({row[at]:.3f})" for at in found)
    return f"Position {own} is most like {told} ({what})." if told else ""


def nothing(notes: Sequence[str], *, theme: str = "light") -> go.Figure:
    """Say that no positions can be drawn, and why."""
    figure = blank(theme, "No position vectors found")
    figure.update_xaxes(visible=False, showticklabels=False)
    figure.update_yaxes(visible=False, showticklabels=False)
    return _said(figure, notes, theme)


def _map(
    values: NDArray[Any], *, limit: float, names: tuple[str, str, str], theme: str, dx: int = 1
) -> go.Figure:
    figure = blank(theme)
    row, column, what = names
    figure.add_heatmap(
        z=plain(values),
        x0=0,
        dx=dx,
        zmin=-limit,
        zmax=limit,
        colorscale=[list(stop) for stop in palette(theme).signed],
        colorbar=colorbar(what, tickfont={"size": SIZE - 2}),
        hovertemplate=f"{row} %{{y}}, {column} %{{x}}<br>{what} %{{z:.6f}}<extra></extra>",
        hoverongaps=False,
        name=what,
    )
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, zeroline=False)
    return figure


def _limit(values: NDArray[Any]) -> float:
    """The largest size; where a few numbers are far larger than all others, that of the others."""
    finite = np.abs(values[np.isfinite(values)])
    if not finite.size or finite.max() == 0:
        return 1.0
    usual = float(np.quantile(finite, 0.995))
    return usual if 0 < 4 * usual < finite.max() else float(finite.max())


def _round(rate: float) -> str:
    return f"{2 * np.pi / abs(rate):,.1f} tokens" if rate else "no number of tokens"


def _said(figure: go.Figure, notes: Sequence[str], theme: str) -> go.Figure:
    if text := " ".join(note for note in notes if note):
        foot(figure, clean(text, 600), theme)
    return figure
