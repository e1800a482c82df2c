"""What a predicted word rests on: three measures over the same words, one below the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.base import foot, subplots
from genviz.figures.text import clean, number, token, tokens
from genviz.figures.theme import SIZE, palette, role

NOT_AN_EXPLANATION = (
    "Attention is not an explanation: it says where heads looked, and need not agree with the rows above it "
    "(Jain & Wallace 2019, arXiv:1902.10186)."
)
NOT_ASKED = "not worked out here"
LABELS_UP_TO = 40


def input_attribution(
    found: Mapping[str, Any],
    attention: NDArray[np.float64] | None,
    *,
    no_attention: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw integrated gradients, occlusion and mean attention as rows of bars.

    Parameters
    ----------
    found : mapping
        From :meth:`genviz.live.LanguageModel.input_attribution`; or only ``words``, ``sides`` and
        ``position`` of it, where attention is to be seen alone.
    attention : float array, (token,), or None
        Mean weights of all heads that look from the place where the word is predicted.
    no_attention : str
        Why there is none.
    theme : {"light", "dark"}
    """
    names = tokens(map(str, found["words"]))
    rows = (
        ("integrated gradients", found.get("integrated_gradients"), "logit", NOT_ASKED),
        ("occlusion: the logit falls without the word, by", found.get("occlusion"), "logit", NOT_ASKED),
        ("attention, mean of all layers and heads", attention, "weight", no_attention),
    )
    figure = subplots(
        theme, _title(found), rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.16,
        subplot_titles=[row[0] for row in rows],
    )  # fmt: skip
    for at, (label, values, unit, why) in enumerate(rows, start=1):
        _row(figure, at, label, names, values=values, why=why, theme=theme)
        figure.update_yaxes(title=unit, row=at, col=1, nticks=3, zerolinewidth=2, tickfont={"size": SIZE - 3})
    heads = {"font": {"size": SIZE - 2, "color": palette(theme).muted}, "x": 0, "xanchor": "left"}
    figure.update_annotations(heads, selector=lambda note: note.name is None)
    _words(figure, names)
    _sides(figure, found["sides"], theme)
    figure.update_layout(showlegend=False, bargap=0.25, margin={"t": 66})
    foot(figure, f"{NOT_AN_EXPLANATION} {_notes(found)}", theme)
    return figure


def _row(
    figure: go.Figure, at: int, label: str, names: Sequence[str], *, values: Any, why: str, theme: str
) -> None:
    if values is None:
        own = "" if at == 1 else str(at)
        where = {"xref": f"x{own} domain", "yref": f"y{own} domain", "x": 0.5, "y": 0.5}
        figure.add_annotation(
            text=clean(why or "not captured", 200), showarrow=False, name="why not", **where
        )
        figure.add_bar(x=plain(np.arange(len(names))), y=plain(np.full(len(names), np.nan)), row=at, col=1)
        figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, row=at, col=1)
        return
    numbers = np.asarray(values, np.float64)
    signs = [role("positive" if value >= 0 else "negative", theme) for value in numbers]
    figure.add_bar(
        x=plain(np.arange(len(names))),
        y=plain(numbers),
        marker={"color": [palette(theme).muted] * len(names) if at == 3 else signs},
        customdata=[
            f"<b>{name}</b> ({n})<br>{number(float(v), 5)}"
            for n, (name, v) in enumerate(zip(names, numbers, strict=True))
        ],
        hovertemplate="%{customdata}<extra></extra>",
        name=label,
        row=at,
        col=1,
    )


def _words(figure: go.Figure, names: Sequence[str]) -> None:
    every = -(-len(names) // LABELS_UP_TO)
    figure.update_xaxes(
        tickmode="array",
        tickvals=list(range(0, len(names), every)),
        ticktext=list(names[::every]),
        showgrid=False,
        zeroline=False,
        tickfont={"size": SIZE - 2 if len(names) <= 16 else SIZE - 4},
        range=[-0.6, len(names) - 0.4],
    )
    figure.update_xaxes(title="token", row=3, col=1, tickangle=-45 if len(names) > 8 else 0)


def _sides(figure: go.Figure, sides: Sequence[str], theme: str) -> None:
    """A line between what the encoder and what the decoder reads."""
    if len(set(sides)) > 1:
        at = list(sides).index("target_tokens") - 0.5
        figure.add_vline(x=at, line={"color": palette(theme).muted, "width": 1, "dash": "dot"})


def _title(found: Mapping[str, Any]) -> str:
    at = found["position"] + (
        list(found["sides"]).index("target_tokens") if "target_tokens" in found["sides"] else 0
    )
    here = f"{token(found['words'][at])} ({found['position']})"
    return (
        f"what “{token(found['name'])}” after {here} rests on"
        if "name" in found
        else f"attention from {here}"
    )


def _notes(found: Mapping[str, Any]) -> str:
    if "integrated_gradients" not in found:
        return ""
    said = f"A word is replaced by {clean(found['baseline'], 80)}"
    kept = ", but for marks" if np.any(found["kept"]) else ""
    change = found["logit"] - found["baseline_logit"]
    total = float(np.sum(found["integrated_gradients"]))
    return (
        f"{said}{kept}. Integrated gradients sum to {number(total, 4)} of a change of {number(change, 4)} "
        f"(gap {found['gap']:.0e}; from half of the {found['steps']} steps no bar differs by more than "
        f"{found['moved']:.0e})."
    )
