"""Which items fool the discriminator: real and generated ones, sorted by their score."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.adversarial import spread_by_score
from genviz.errors import NotCaptured
from genviz.figures.gallery import Band, gallery
from genviz.figures.image import Pixels, to_pixels
from genviz.figures.theme import role
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.pictures import picture_range, require_pictures
from genviz.views.scoring import THRESHOLDS, items_at, score_controls, scores_at
from genviz.views.subject import Subject

ORDERS = (("spread", "from lowest to highest"), ("highest", "highest first"), ("lowest", "lowest first"))
COLUMNS = 8


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    return (
        *score_controls(recording),
        Choice("order", "Order", "spread", choices=ORDERS, help="Which of all items are shown."),
        Number(
            "count", "Items of each", 16, minimum=1, maximum=48, help="How many real and how many generated."
        ),
    )


def _draw(
    subject: Subject, *, theme: str, unit: str, order: str, count: int, step: int | None = None
) -> go.Figure:
    recording = subject.recorded()
    found = scores_at(recording, step)
    bands = []
    for source, label in (("real", "real"), ("fake", "generated")):
        items = require_pictures(items_at(recording, source, step), f"{label} items")
        scores = found.of(source, unit)
        if len(items) != len(scores):
            raise NotCaptured(f"{len(items)} {label} items do not match {len(scores)} scores")
        chosen = _chosen(scores, order, count)
        pixels = to_pixels(items[chosen], picture_range(subject.info))
        bands.append(_band(label, pixels, scores[chosen], chosen, unit, role(source, theme)))
    at = f"Step {step:,} · " if step is not None else ""
    shown = "probability of real" if unit == "probability" else "logit"
    return gallery(bands, columns=COLUMNS, theme=theme, title=f"{at}Sorted by score ({shown} below)")


def _chosen(scores: NDArray[np.float64], order: str, count: int) -> NDArray[np.intp]:
    if order == "spread":
        return spread_by_score(scores, count)
    ranked = np.argsort(-scores if order == "highest" else scores, kind="stable")
    return np.asarray(ranked[:count])


def _band(
    label: str, pixels: Pixels, scores: NDArray[np.float64], chosen: NDArray[np.intp], unit: str, colour: str
) -> Band:
    verdict = ["judged real" if score > THRESHOLDS[unit] else "judged fake" for score in scores]
    hover = [
        f"<b>{label} {index}</b><br>{unit} {score:.6g}<br>{said}"
        for index, score, said in zip(chosen, scores, verdict, strict=True)
    ]
    captions = [f"{score:.2f}" for score in scores]
    return Band(label, pixels, colour, captions, chosen.tolist(), hover=hover)


samples_by_score = View(
    name="samples_by_score",
    title="Samples sorted by score",
    question="Which generated items pass for real, and which give themselves away?",
    needs=("score", "sample"),
    controls=_controls,
    draw=_draw,
)
