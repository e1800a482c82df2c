"""Which items fool the discriminator: real and generated ones, sorted by their score."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.adversarial import spread_by_score
from genviz.errors import NotCaptured
from genviz.figures.gallery import Band, gallery
from genviz.figures.image import Pixels, to_pixels
from genviz.figures.text import sentence
from genviz.figures.theme import role
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.pictures import picture_range, require_pictures
from genviz.views.scoring import RAW, THRESHOLDS, items_at, score_controls, scores_at
from genviz.views.stepping import at_step, said
from genviz.views.subject import Subject

ORDERS = (("spread", "from lowest to highest"), ("highest", "highest first"), ("lowest", "lowest first"))
COLUMNS = 6


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *score_controls(subject),
        Choice("order", "Order", "spread", choices=ORDERS, help="Which of all items are shown."),
        Number(
            "count", "Items of each", 16, minimum=1, maximum=48, help="How many real and how many generated."
        ),
    )


def _draw(
    subject: Subject, *, theme: str, unit: str, order: str, count: int, step: int | str | None = None
) -> go.Figure:
    recording, entry_step = at_step(subject, step, "score")
    found = scores_at(recording, entry_step)
    bands = []
    for source, label in (("real", "real"), ("fake", "generated")):
        items = require_pictures(items_at(recording, source, entry_step), f"{label} items")
        scores = found.of(source, unit)
        if len(items) != len(scores):
            raise NotCaptured(f"{len(items)} {label} items do not match {len(scores)} scores")
        chosen = _chosen(scores, order, count)
        pixels = to_pixels(items[chosen], picture_range(subject.info))
        line = THRESHOLDS[found.unit if unit == RAW else unit]
        bands.append(
            _band(label, pixels, scores[chosen], chosen=chosen, line=line, colour=role(source, theme))
        )
    shown = {"probability": "probability of real", "logit": "logit", RAW: "score"}[unit]
    return gallery(
        bands, columns=COLUMNS, theme=theme, title=sentence(f"{said(step)}sorted by score ({shown} below)")
    )


def _chosen(scores: NDArray[np.float64], order: str, count: int) -> NDArray[np.intp]:
    if order == "spread":
        return spread_by_score(scores, count)
    ranked = np.argsort(-scores if order == "highest" else scores, kind="stable")
    return np.asarray(ranked[:count])


def _band(
    label: str,
    pixels: Pixels,
    scores: NDArray[np.float64],
    *,
    chosen: NDArray[np.intp],
    line: float | None,
    colour: str,
) -> Band:
    hover = [
        f"<b>{label} {index}</b><br>score {score:.6g}" + _judged(score, line)
        for index, score in zip(chosen, scores, strict=True)
    ]
    captions = [f"{score:.2f}" for score in scores]
    return Band(label, pixels, colour, captions, chosen.tolist(), hover=hover)


def _judged(score: float, line: float | None) -> str:
    if line is None:
        return ""
    return "<br>judged real" if score > line else "<br>judged fake"


samples_by_score = View(
    name="samples_by_score",
    title="Samples sorted by score",
    question="Which generated items pass for real, and which give themselves away?",
    needs=("score", "sample"),
    controls=_controls,
    draw=_draw,
)
