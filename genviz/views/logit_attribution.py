"""Which parts of the model say the next word."""

import plotly.graph_objects as go

from genviz.figures import logit_attribution as figures
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Text
from genviz.views.said_word import ask_of_word, word_controls
from genviz.views.subject import Subject

PARTS = (("sum", "sub-layers"), ("heads", "heads"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    said = "A second word: the sum is then of the difference of both logits."
    return word_controls(
        subject,
        Text("against", "Rather than", "", longest=60, help=said),
        Choice("parts", "Parts", "sum", choices=PARTS, help="Sub-layers one after the other, or each head."),
    )


def _draw(
    subject: Subject, *, theme: str, position: int, word: str, against: str, parts: str, sample: int = 0
) -> go.Figure:
    found = ask_of_word(
        subject, "logit_attribution", position=position, word=word, sample=sample,
        against=against.strip() or None,
    )  # fmt: skip
    return (figures.heads_map if parts == "heads" else figures.running_sum)(found, theme=theme)


logit_attribution = View(
    name="logit_attribution",
    title="What says the word",
    question="Which layers and heads raise the score of the predicted word, and which lower it?",
    needs=("logits|top_logits", "live.logit_attribution"),
    controls=_controls,
    draw=_draw,
)
