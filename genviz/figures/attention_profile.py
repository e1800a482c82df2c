"""One row or one column of an attention map as bars or, for long texts, as the outline of its weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.profiles import Envelope, envelope, peaks
from genviz.figures.arrays import plain
from genviz.figures.attention_matrix import KEY_TITLE, QUERY_TITLE, every
from genviz.figures.base import blank, foot
from genviz.figures.colours import masked, not_a_number, tint
from genviz.figures.text import clean, number, token, tokens
from genviz.figures.theme import SIZE, palette, role

LABELS_UP_TO = 24  # tokens that can be named below the bars
BARS_UP_TO = 128  # tokens up to which each has a bar
PIXELS = 512  # bins of a longer one
NAMED = 5  # of the largest weights, where not every token is named
SIDES = {"query": ("looks at", KEY_TITLE), "key": ("is looked at by", QUERY_TITLE)}


@dataclass(frozen=True)
class Profile:
    """A row of a map (of a query) or a column (of a key), or a part of it.

    Parameters
    ----------
    axis : {"query", "key"}
        Whose it is.
    place : int
        Its position.
    name : str
        Its token.
    weights : float array, (token,)
    seen : bool array, (token,)
        False where a mask rules the weight out.
    positions : range
        Of the tokens along it; with a step, when only every k-th one was worked out.
    names : sequence
        The tokens along it.
    left_out : bool array, (token,)
        Tokens that were taken out of the map.
    crossing : int, optional
        A position along it that is marked.
    total : float, optional
        The sum of the whole row.
    """

    axis: Literal["query", "key"]
    place: int
    name: str
    weights: NDArray[np.floating[Any]]
    seen: NDArray[np.bool_]
    positions: range
    names: Sequence[Any]
    left_out: NDArray[np.bool_]
    crossing: int | None = None
    total: float | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Where the axis begins and ends: half a token before the first, half a token after the last."""
        return self.positions[0] - 0.5, self.positions[-1] + 0.5


def attention_profile(
    profiles: Sequence[Profile], *, title: str = "", note: str = "", theme: str = "light"
) -> go.Figure:
    """Draw profiles one above the other; at most :data:`PIXELS` bins of a long one are in the figure.

    Parameters
    ----------
    profiles : sequence of Profile
        One or two.
    title : str
    note : str
        What is left out, for the small print.
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), margin={"t": 58, "l": 64, "r": 16})
    for at, profile in enumerate(profiles):
        _panel(figure, profile, ("x", "x2")[at], _domain(at, len(profiles)), theme)
    told = ["Line: the largest of each bin, dotted: the mean."] * any(map(_pooled, profiles))
    told += [f"From {every(p.positions.step)} query only, the others may differ."
             for p in profiles if p.positions.step > 1]  # fmt: skip
    told += [f"No query shown may look at key {p.place:,}." for p in profiles if not p.seen.any()]
    if said := clean(" ".join([*told, note]).strip(), 700):
        foot(figure, said, theme)
    along = {"x" + "2" * at: "keys" if p.axis == "query" else "rows" for at, p in enumerate(profiles)}
    figure.update_layout(
        showlegend=False, hovermode="x", bargap=0.12, barmode="overlay", meta={"spans": along}
    )
    return figure


def _domain(at: int, count: int) -> list[float]:
    return [0.0, 1.0] if count == 1 else [[0.66, 1.0], [0.0, 0.34]][at]


def _panel(figure: go.Figure, profile: Profile, axis: str, high: list[float], theme: str) -> None:
    """Weights, what the mask rules out, and a heading, on axes of their own."""
    where = {"xaxis": axis, "yaxis": axis.replace("x", "y")}
    there = profile.weights[profile.seen & np.isfinite(profile.weights)]
    top = (float(there.max()) if there.size else 0.0) or 1.0
    gone = ~profile.seen & ~profile.left_out
    _flat(figure, profile, gone, (top, masked(theme), "masked: may not be looked at"), where)
    nan = profile.seen & np.isnan(profile.weights)
    _flat(figure, profile, nan, (top, not_a_number(theme), "not a number (NaN)"), where)
    exact = len(profile.weights) <= BARS_UP_TO
    (_bars if exact else _outline)(figure, profile, where, theme)
    _name_peaks(figure, profile, where, exact=exact)
    _crossing(figure, profile, axis, theme)
    says, along = SIDES[profile.axis]
    quiet = f"  <span style='color:{palette(theme).muted};font-size:13px'>{_said(profile)}</span>"
    figure.add_annotation(
        text=f"<b>{token(profile.name)}</b> ({profile.place:,}) {says}{quiet}", x=0, xref="paper", xshift=-48,
        xanchor="left", y=high[1], yref="paper", yanchor="bottom", yshift=4, showarrow=False,
        font={"color": role(profile.axis, theme), "size": SIZE},
    )  # fmt: skip
    second = axis.removeprefix("x")
    figure.update_layout({
        f"xaxis{second}": {"anchor": where["yaxis"], "title": along, "range": list(profile.span),
                           "showgrid": False, "zeroline": False, **_ticks(profile)},
        f"yaxis{second}": {"anchor": axis, "domain": high, "title": "weight", "range": [0, 1.16 * top],
                           "fixedrange": True, "zeroline": False, "nticks": 4},
    })  # fmt: skip


def _ticks(profile: Profile) -> dict[str, Any]:
    """Tokens below bars, positions below an outline."""
    count = len(profile.weights)
    if count > BARS_UP_TO:
        return {"tickformat": ",d"}
    step, names = -(-count // LABELS_UP_TO), tokens(map(str, profile.names), 14)
    wide = max(map(len, names)) * 9 > 460 / count
    small = SIZE - 2 if count <= 16 else SIZE - 4
    return {"tickvals": list(profile.positions[::step]), "ticktext": names[::step],
            "tickangle": -45 if wide else 0, "tickfont": {"size": small}}  # fmt: skip


def _bars(figure: go.Figure, profile: Profile, where: dict[str, str], theme: str) -> None:
    names = tokens(map(str, profile.names))
    hue, marked = role(profile.axis, theme), role("path", theme)
    hues = [marked if at == profile.crossing else hue for at in profile.positions]
    figure.add_bar(
        x=plain(np.array(profile.positions)), y=plain(np.where(profile.seen, profile.weights, np.nan)),
        marker={"color": hues},
        customdata=[f"<b>{name}</b> ({at:,})" for at, name in zip(profile.positions, names, strict=True)],
        hovertemplate="%{customdata}<br>weight %{y:.6f}<extra></extra>", name="weight", **where,
    )  # fmt: skip


def _outline(figure: go.Figure, profile: Profile, where: dict[str, str], theme: str) -> None:
    """Largest and mean of each bin; hover says which token has the largest."""
    pooled, hue = envelope(profile.weights, profile.seen, PIXELS), role(profile.axis, theme)
    middle = _middles(profile.positions, pooled)
    figure.add_scatter(
        x=plain(middle), y=plain(pooled.largest), mode="lines", line={"color": hue, "width": 1.4},
        fill="tozeroy", fillcolor=tint(hue, 0.16), customdata=list(_bins(profile, pooled)), name="largest",
        hovertemplate="%{customdata}<extra></extra>", **where,
    )  # fmt: skip
    if pooled.width > 1:
        figure.add_scatter(
            x=plain(middle), y=plain(pooled.mean), mode="lines", name="mean", hoverinfo="skip",
            line={"color": palette(theme).text, "width": 1.4, "dash": "dot"}, **where,
        )  # fmt: skip


def _middles(positions: range, pooled: Envelope) -> NDArray[np.float64]:
    """Where each bin lies: between the first and the last position in it."""
    first = np.arange(len(pooled.largest)) * pooled.width
    last = np.minimum(first + pooled.width, len(positions)) - 1
    return np.asarray(positions.start + positions.step * (first + last) / 2, np.float64)


def _bins(profile: Profile, pooled: Envelope) -> Iterator[str]:
    for at, (place, largest, mean) in enumerate(zip(pooled.at, pooled.largest, pooled.mean, strict=True)):
        said = f"<b>{token(profile.names[place])}</b> ({profile.positions[place]:,})<br>weight {largest:.6f}"
        if pooled.width == 1:
            yield said
            continue
        last = min((at + 1) * pooled.width, len(profile.positions)) - 1
        ends = f"{profile.positions[at * pooled.width]:,}–{profile.positions[last]:,}"
        yield f"{said}<br>the largest of {ends}<br>mean {mean:.6f}" if pooled.seen[at] else f"{ends}: masked"


def _flat(
    figure: go.Figure, profile: Profile, flags: NDArray[np.bool_], how: tuple[float, str, str],
    where: dict[str, str],
) -> None:  # fmt: skip
    """Stand a block of colour over every run of flagged positions."""
    top, colour, says = how
    runs = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    if not len(runs):
        return
    half = profile.positions.step / 2
    ends = profile.positions.start + profile.positions.step * runs.reshape(-1, 2) + [-half, -half]
    xs = np.column_stack([ends[:, [0, 0, 1, 1]], np.full(len(ends), np.nan)])
    ys = np.broadcast_to([0, 1.16 * top, 1.16 * top, 0, np.nan], xs.shape)
    figure.add_scatter(
        x=plain(xs.ravel()), y=plain(ys.ravel()), mode="lines", line={"width": 0}, fill="toself",
        fillcolor=colour, hoverinfo="skip", name=says, **where,
    )  # fmt: skip


def _name_peaks(figure: go.Figure, profile: Profile, where: dict[str, str], *, exact: bool) -> None:
    """Write the tokens of the largest weights where the axis does not name every token."""
    count = len(profile.weights)
    if count <= LABELS_UP_TO:
        return
    shown = np.where(profile.seen, profile.weights, 0)
    found = peaks(shown, NAMED, apart=max(1, count // 7))
    sides = ["top right" if at < count / 12 else "top left" if at > count * 11 / 12 else "top center"
             for at in found]  # fmt: skip
    figure.add_scatter(
        x=plain(np.array(profile.positions)[found]), y=plain(shown[found]), mode="text", textposition=sides,
        text=[token(profile.names[at], 14) for at in found], textfont={"size": SIZE - 3}, hoverinfo="skip",
        name="largest weights", cliponaxis=False, **where,
    )  # fmt: skip


def _crossing(figure: go.Figure, profile: Profile, axis: str, theme: str) -> None:
    """A line at the other token that was picked, where bars cannot show it by their colour."""
    if profile.crossing is None or len(profile.weights) <= BARS_UP_TO:
        return
    figure.add_shape(
        type="line", x0=profile.crossing, x1=profile.crossing, y0=0, y1=1, xref=axis,
        yref=f"{axis.replace('x', 'y')} domain", name="crossing",
        line={"color": role("path", theme), "width": 1.6, "dash": "dash"},
    )  # fmt: skip


def _pooled(profile: Profile) -> bool:
    return len(profile.weights) > max(BARS_UP_TO, PIXELS)


def _said(profile: Profile) -> str:
    """What the numbers are together: how sharply a query looks, how much a key gets."""
    there = np.nan_to_num(profile.weights[profile.seen])
    if not there.size:
        return ""
    if profile.axis == "key":
        return f"mean {number(float(there.mean(dtype=np.float64)), 3)}"
    total = "" if profile.total is None else f"sum {number(profile.total)}"
    if len(there) <= 5:
        return total
    return f"{total}, 5 largest {np.sort(there)[-5:].sum(dtype=np.float64):.1%}"
