"""Can the discriminator still tell real from fake: densities of its scores."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.adversarial import judged_real
from genviz.figures import scores as figures
from genviz.figures.text import number, sentence
from genviz.views.base import View
from genviz.views.scoring import RAW, THRESHOLDS, TITLES, score_controls, scores_at
from genviz.views.stepping import at_step, said
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str, unit: str, step: int | str | None = None) -> go.Figure:
    recording, entry_step = at_step(subject, step, "score")
    found = scores_at(recording, entry_step)
    real, fake = found.of("real", unit), found.of("fake", unit)
    line = THRESHOLDS[found.unit if unit == RAW else unit]
    return figures.score_histograms(
        real,
        fake,
        threshold=line,
        unit=TITLES[found.unit if unit == RAW else unit],
        theme=theme,
        span=(0.0, 1.0) if unit == "probability" else None,
        title=sentence(said(step) + _verdict(real, fake, line)),
    )


def _verdict(real: NDArray[np.float64], fake: NDArray[np.float64], line: float | None) -> str:
    if line is None:
        return f"mean score: real {number(float(np.nanmean(real)))}, fake {number(float(np.nanmean(fake)))}"
    return f"judged real: {judged_real(real, line):.0%} of real, {judged_real(fake, line):.0%} of fake"


score_histograms = View(
    name="score_histograms",
    title="Scores of real and fake",
    question="Can the discriminator still tell real from fake?",
    needs=("score",),
    controls=score_controls,
    draw=_draw,
)
