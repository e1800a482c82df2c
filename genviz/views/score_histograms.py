"""Can the discriminator still tell real from fake: densities of its scores."""

import plotly.graph_objects as go

from genviz.analysis.adversarial import judged_real
from genviz.figures import scores as figures
from genviz.views.base import View
from genviz.views.controls import Control
from genviz.views.scoring import THRESHOLDS, TITLES, score_controls, scores_at
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    return score_controls(subject.recorded())


def _draw(subject: Subject, *, theme: str, unit: str, step: int | None = None) -> go.Figure:
    found = scores_at(subject.recorded(), step)
    real, fake = found.of("real", unit), found.of("fake", unit)
    line = THRESHOLDS[unit]
    passed = f"judged real: {judged_real(real, line):.0%} of real, {judged_real(fake, line):.0%} of fake"
    return figures.score_histograms(
        real,
        fake,
        threshold=line,
        unit=TITLES[unit],
        theme=theme,
        span=(0.0, 1.0) if unit == "probability" else None,
        title=(f"Step {step:,} · " if step is not None else "") + passed[0].upper() + passed[1:],
    )


score_histograms = View(
    name="score_histograms",
    title="Scores of real and fake",
    question="Can the discriminator still tell real from fake?",
    needs=("score",),
    controls=_controls,
    draw=_draw,
)
