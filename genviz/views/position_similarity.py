"""View: how alike two positions are to the model."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.positions import bias_map, cosines, rotary_similarity
from genviz.figures import positions as figures
from genviz.views.base import View
from genviz.views.chosen_token import token_control
from genviz.views.controls import Control
from genviz.views.positions import FORMS, parts_of, side_controls
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (*side_controls(subject), *token_control(subject))


def _draw(subject: Subject, *, theme: str, side: str = "tokens", position: int | None = None) -> go.Figure:
    parts, notes, length = parts_of(subject, side)
    if not parts:
        return figures.nothing(notes, theme=theme)
    part = parts[0]
    marked = position if position is not None and position < length else None
    more: dict[str, Any] = {"note": " ".join(notes), "theme": theme, "marked": marked}
    if "bias" in part:
        values = bias_map(part["distances"], np.asarray(part["bias"]).mean(0), length)
        title = f"Position i to j: {FORMS[part['form']]}, mean of {len(part['bias'])} heads"
        return figures.similarity(values, title=title, what="bias", cosine=False, **more)
    if "table" in part:
        values = cosines(part["table"])
        title = f"Position i to j: cosine of {FORMS[part['form']]}"
        return figures.similarity(values, title=title, what="cosine", **more)
    places = np.arange(length)
    turned = rotary_similarity(part["frequencies"], np.arange(1 - length, length))
    return figures.similarity(
        turned[places[:, None] - places[None, :] + length - 1],
        title="Position i to j: mean of cos((i − j)θ) over pairs of channels",
        what="mean cos",
        **more,
    )


position_similarity = View(
    name="position_similarity",
    title="Similarity of positions",
    question="How alike are two positions to the model?",
    needs=("live.positions",),
    controls=_controls,
    draw=_draw,
)
