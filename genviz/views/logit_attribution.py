"""Which parts of the model say the next word."""

from typing import Any

import plotly.graph_objects as go

from genviz.figures import logit_attribution as figures
from genviz.views.asking import ask, sample_control
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Text
from genviz.views.logit_lens import word_control
from genviz.views.stream import at_most, position_control, sides, words_of
from genviz.views.subject import Subject

PARTS = (("sum", "sub-layers"), ("heads", "heads"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    said = "A second word: the sum is then of the difference of both logits."
    return (
        position_control(subject),
        word_control(),
        Text("against", "Rather than", "", longest=60, help=said),
        Choice("parts", "Parts", "sum", choices=PARTS, help="Sub-layers one after the other, or each head."),
        *sample_control(subject.recorded()),
    )


def _draw(
    subject: Subject, *, theme: str, position: int, word: str, against: str, parts: str, sample: int = 0
) -> go.Figure:
    recording = subject.recorded()
    words = words_of(recording, next(iter(sides(recording)), ""), sample)
    found: dict[str, Any] = ask(
        subject,
        "logit_attribution",
        sample=sample,
        position=at_most(position, words),
        word=word.strip() or None,
        against=against.strip() or None,
    )
    return (figures.heads_map if parts == "heads" else figures.running_sum)(found, theme=theme)


logit_attribution = View(
    name="logit_attribution",
    title="What says the word",
    question="Which layers and heads raise the score of the predicted word, and which lower it?",
    needs=("logits|top_logits", "live.logit_attribution"),
    controls=_controls,
    draw=_draw,
)
