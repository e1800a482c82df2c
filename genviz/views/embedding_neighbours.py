"""Which tokens a token's embedding is like, before the model has read anything around it."""

import plotly.graph_objects as go

from genviz.figures import embedding_neighbours as figures
from genviz.views.asking import ask_plainly, ids_of, sample_control
from genviz.views.base import View
from genviz.views.chosen_token import token_control
from genviz.views.controls import Control, Number
from genviz.views.stream import at_most
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *token_control(subject),
        Number("count", "Neighbours", 8, minimum=3, maximum=30, help="How many tokens of the vocabulary."),
        *sample_control(subject.recorded()),
    )


def _draw(subject: Subject, *, theme: str, count: int, position: int = 0, sample: int = 0) -> go.Figure:
    ids = ids_of(subject.recorded(), sample)["text"]
    found = ask_plainly(
        subject,
        "embedding_neighbours",
        text=ids,
        position=at_most(int(position), ids),
        count=int(count),
    )
    return figures.embedding_neighbours(found, theme=theme)


embedding_neighbours = View(
    name="embedding_neighbours",
    title="Nearest in the vocabulary",
    question="Which other tokens have an embedding like this token's?",
    needs=("ids", "live.embedding_neighbours"),
    controls=_controls,
    draw=_draw,
)
