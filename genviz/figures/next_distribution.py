"""The next word's distribution before and after all settings, and the nucleus on its cumulative curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.decoding import Decoded, Settings, Stage, rank, ranked
from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.text import clean, number, token, tokens
from genviz.figures.theme import SIZE, palette, role

POINTS = 400  # of the cumulative curve; it is sampled where a vocabulary has more words
CONTEXT = 8  # words before it that stand in the title
WORDS = {
    "model": "model", "repetition_penalty": "repetition penalty", "banned": "banned", "forced": "forced",
    "temperature": "temperature", "top_k": "top k", "top_p": "top p", "min_p": "min p",
}  # fmt: skip


@dataclass(frozen=True)
class Looked:
    """A word that is looked at, and what it is called.

    Parameters
    ----------
    names : mapping of int to str
        Of all ids below.
    ids : sequence of int
        Words with a bar each, likeliest (before) first.
    word : int
        The one that was chosen.
    excluded : sequence of int
        Words that could not be drawn, likeliest first.
    before : sequence of str
        Tokens that it follows.
    step : int
        Its place in the answer.
    """

    names: Mapping[int, str]
    ids: Sequence[int]
    word: int
    excluded: Sequence[int] = ()
    before: Sequence[str] = ()
    step: int = 0


def next_distribution(
    found: Decoded, looked: Looked, settings: Settings, *, theme: str = "light"
) -> go.Figure:
    """Draw the likeliest words with their probabilities, and how probability piles up over all words.

    Parameters
    ----------
    found : Decoded
    looked : Looked
    settings : Settings
    theme : {"light", "dark"}
    """
    before, after = found.before, found.after
    word = looked.word
    title = f"{' '.join(tokens(looked.before[-CONTEXT:]))} <b>{token(looked.names[word])}</b>"
    subtitle = (
        f"word {looked.step}: {_percent(before[word])} by the model (rank {rank(before, word)} of "
        f"{len(before)}), drawn with {_percent(after[word])} out of {np.count_nonzero(after)}"
    )
    figure = blank(theme, title, subtitle, margin={"t": 74}, barmode="overlay", bargap=0.25)
    _bars(figure, found, looked, theme)
    _pile(figure, found, looked, settings, theme)
    foot(figure, _notes(found, looked, settings), theme)
    return figure


def _bars(figure: go.Figure, found: Decoded, looked: Looked, theme: str) -> None:
    ids = list(looked.ids)
    before, after = found.before[ids], found.after[ids]
    places = np.arange(len(ids))
    hover = _hover(found, looked)
    wide = {"orientation": "h", "xaxis": "x", "yaxis": "y", "customdata": hover,
            "hovertemplate": "%{customdata}<extra></extra>"}  # fmt: skip
    chosen = np.array([each == looked.word for each in ids])
    for name, colour, which, at in (
        ("after all settings", "decoder", ~chosen, 2), ("the word drawn", "path", chosen, 3),
    ):  # fmt: skip
        figure.add_bar(
            x=plain(np.where(which, after, np.nan)), y=plain(places), name=name, width=0.72, legendrank=at,
            marker={"color": role(colour, theme)}, **wide,
        )  # fmt: skip
    figure.add_bar(
        x=plain(before), y=plain(places), name="by the model", width=0.34,
        marker={"color": palette(theme).muted}, legendrank=1, **wide,
    )  # fmt: skip
    most = float(max(before.max(), after.max()))
    figure.update_layout(
        legend={"x": 0.5, "y": 0.02, "yanchor": "bottom", "xanchor": "right"},  # bars are short there
        xaxis={"domain": [0, 0.5], "title": "probability", "range": [0, most * 1.04], "tickformat": ".0%",
               "nticks": 6},
        yaxis={"title": "next word", "tickvals": places.tolist(), "range": [len(ids) - 0.4, -0.6],
               "ticktext": [_label(found, looked, each) for each in ids], "showgrid": False,
               "zeroline": False},
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.1%}" if share == 0 or share >= 0.001 else f"{100 * share:.2g}%"


def _label(found: Decoded, looked: Looked, word: int) -> str:
    name = token(looked.names[word], 18)
    name = f"<b>{name}</b>" if word == looked.word else name
    return f"{name} ✕" if found.excluded_by[word] else name


def _hover(found: Decoded, looked: Looked) -> list[str]:
    told = []
    chances = [(WORDS[stage.name], stage.probabilities) for stage in found.stages]
    for each in looked.ids:
        lines = [f"<b>{token(looked.names[each])}</b> (id {each})",
                 f"logit {number(float(found.stages[0].scores[each]), 6)}"]  # fmt: skip
        lines += [f"after {name}: {chance[each]:.6f}" for name, chance in chances[1:]]
        lines.insert(2, f"by the model: {chances[0][1][each]:.6f}")
        if why := found.reason(each):
            lines.append(f"excluded by {WORDS[why]}")
        told.append("<br>".join(lines))
    return told


def _cut(found: Decoded) -> tuple[Stage, Stage]:
    """What the nucleus (or whatever cuts words off last) is chosen from, and what it leaves."""
    names = [stage.name for stage in found.stages]
    at = names.index("top_p") if "top_p" in names else len(names) - 1
    return found.stages[max(0, at - 1)], found.stages[at]


def _pile(figure: go.Figure, found: Decoded, looked: Looked, settings: Settings, theme: str) -> None:
    """Words by falling probability, and how much they sum to."""
    given, left = _cut(found)
    chances = given.probabilities
    order = ranked(chances, int(np.count_nonzero(chances)))
    total = np.cumsum(chances[order])
    inside = int(np.count_nonzero((left.scores > -np.inf)[order]))
    shown = _sampled(len(order), inside)
    colour = role("decoder", theme)
    ranks = plain(shown + 1)
    figure.add_scatter(
        x=ranks, y=plain(total[shown]), mode="lines+markers" if len(shown) <= 40 else "lines",
        line={"color": palette(theme).muted, "width": 2, "shape": "linear"}, marker={"size": 5},
        xaxis="x2", yaxis="y2", showlegend=False, name="cumulative",
        hovertemplate="the %{x} likeliest words<br>together %{y:.6f}<extra></extra>",
    )  # fmt: skip
    within = shown[shown < inside]
    figure.add_scatter(
        x=plain(within + 1), y=plain(total[within]), mode="lines", fill="tozeroy", hoverinfo="skip",
        line={"color": colour, "width": 3}, fillcolor=_pale(colour), xaxis="x2", yaxis="y2",
        showlegend=False, name="nucleus",
    )  # fmt: skip
    if settings.top_p < 1 and settings.draws:
        figure.add_shape(
            type="line", xref="x2 domain", yref="y2", x0=0, x1=1, y0=settings.top_p, y1=settings.top_p,
            line={"color": colour, "dash": "dot", "width": 1.5}, name="top p",
        )  # fmt: skip
    at = np.flatnonzero(order == looked.word)
    if len(at):
        figure.add_scatter(
            x=plain(at + 1), y=plain(total[at]), mode="markers", xaxis="x2", yaxis="y2", showlegend=False,
            marker={"size": 12, "color": role("path", theme),
                    "line": {"width": 2, "color": palette(theme).page}},
            name="chosen", hovertemplate=f"<b>{token(looked.names[looked.word])}</b> is number %{{x}}"
            "<br>together %{y:.6f}<extra></extra>",
        )  # fmt: skip
    many = len(order) > 60
    source = "by the model" if given.name == "model" else f"after {WORDS[given.name]}"
    figure.update_layout(
        xaxis2={"domain": [0.62, 1], "anchor": "y2", "title": "words, likeliest first (how many)",
                "type": "log" if many else "linear", "nticks": 6, "showgrid": False,
                "range": [0, float(np.log10(max(2, len(order))))] if many else [0.5, len(order) + 0.5],
                "dtick": 1 if many else max(1, round(len(order) / 6))},
        yaxis2={"anchor": "x2", "title": f"sum {source}",
                "range": [0, 1.03], "tickformat": ".0%", "nticks": 6, "side": "left"},
    )  # fmt: skip
    figure.add_annotation(
        text=f"{inside} of {len(found.before)} words", xref="x2 domain", yref="y2 domain", x=0.03, y=0.04,
        xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": SIZE - 1, "color": palette(theme).text},
    )  # fmt: skip


def _sampled(count: int, inside: int) -> NDArray[np.int64]:
    """Places of a curve that are drawn: all where there are few; the first, and the last inside, always."""
    if count <= POINTS:
        return np.arange(count)
    spread = np.geomspace(1, count, POINTS).round().astype(np.int64) - 1
    return np.unique(np.concatenate([spread, [max(0, inside - 1), count - 1]]))


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"


def _notes(found: Decoded, looked: Looked, settings: Settings) -> str:
    """What each step did, and which words it ruled out."""
    steps = [f"{_named(stage, settings)} {_bits(stage):.2f} bits" for stage in found.stages]
    text = "Openness (entropy): " + " → ".join(steps)
    counts = [
        f"{np.count_nonzero(found.excluded_by == at)} by {WORDS[stage.name]}"
        for at, stage in enumerate(found.stages)
        if np.any(found.excluded_by == at) and at
    ]
    if counts:
        text += f".<br>Excluded: {', '.join(counts)}"
    if looked.excluded:
        text += (
            f"; the likeliest of them: {', '.join(token(looked.names[each], 16) for each in looked.excluded)}"
        )
    return text


def _named(stage: Stage, settings: Settings) -> str:
    value: Any = getattr(settings, stage.name, None)
    told = "" if stage.name in ("model", "forced", "banned") else f" {value:g}"
    return clean(f"{WORDS[stage.name]}{told}")


def _bits(stage: Stage) -> float:
    chances = stage.probabilities
    chances = chances[chances > 0]
    return max(0.0, float(-(chances * np.log2(chances)).sum()))
