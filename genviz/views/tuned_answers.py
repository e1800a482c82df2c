"""The same prompts answered by a model and by what was fine-tuned from it."""

import plotly.graph_objects as go

from genviz.figures import tuning as figures
from genviz.views.base import View
from genviz.views.controls import Control, Number, Text
from genviz.views.subject import Subject
from genviz.views.tuning import answered, other_control


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        other_control(subject),
        Text(
            "question", "Your own prompt", "", longest=1000, help="Instead of the prompts that are held out."
        ),
        Number("count", "Held-out prompts", 12, minimum=1, maximum=60, help="How many are asked of both."),
    )


def _draw(subject: Subject, *, theme: str, other: str, question: str, count: int) -> go.Figure:
    found = answered(subject, other, prompt=question, count=int(count))
    rows = [(each.prompt, each.right, each.told) for each in found]
    hits = [(each.hits(0), each.hits(1)) for each in found]
    return figures.tuned_answers(rows, hits, names=(subject.name, subject.beside[other].name), theme=theme)


tuned_answers = View(
    name="tuned_answers",
    title="Same prompt, both models",
    question="What do the base model and the fine-tuned one answer to the same prompt?",
    needs=("beside", "live.answers"),
    controls=_controls,
    draw=_draw,
)
