"""View: how alike two positions are to the model."""

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.positions import bias_map, cosines, rotary_similarity
from genviz.figures import positions as figures
from genviz.views.base import View
from genviz.views.positions import FORMS, parts_of, side_controls
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str, side: str = "tokens") -> go.Figure:
    parts, notes, length = parts_of(subject, side)
    if not parts:
        return figures.nothing(notes, theme=theme)
    part, note = parts[0], " ".join(notes)
    if "bias" in part:
        values = bias_map(part["distances"], np.asarray(part["bias"]).mean(0), length)
        title = f"Position i to j: {FORMS[part['form']]}, mean of {len(part['bias'])} heads"
        return figures.similarity(values, title=title, what="bias", cosine=False, note=note, theme=theme)
    if "table" in part:
        values = cosines(part["table"])
        title = f"Position i to j: cosine of {FORMS[part['form']]}"
        return figures.similarity(values, title=title, what="cosine", note=note, theme=theme)
    places = np.arange(length)
    turned = rotary_similarity(part["frequencies"], np.arange(1 - length, length))
    return figures.similarity(
        turned[places[:, None] - places[None, :] + length - 1],
        title="Position i to j: mean of cos((i − j)θ) over pairs of channels",
        what="mean cos",
        note=note,
        theme=theme,
    )


position_similarity = View(
    name="position_similarity",
    title="Similarity of positions",
    question="How alike are two positions to the model?",
    needs=("live.positions",),
    controls=side_controls,
    draw=_draw,
)
