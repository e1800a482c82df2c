"""Which tokens a token's embedding is like, before the model has read anything around it."""

import plotly.graph_objects as go

from genviz.analysis.words import special
from genviz.figures import embedding_neighbours as figures
from genviz.views.asking import ask_plainly, ids_of, sample_control
from genviz.views.base import View
from genviz.views.controls import Control, Number
from genviz.views.stream import at_most, sides, words_of
from genviz.views.subject import Subject


def _words(subject: Subject, sample: int = 0) -> list[str]:
    recording = subject.recorded()
    side = "tokens" if "tokens" in sides(recording) else ""
    return [str(word) for word in words_of(recording, side, sample)]


def _first(words: list[str]) -> int:
    """The last token that stands for a word."""
    marks = special(words)
    told = [at for at, word in enumerate(words) if not marks[at] and any(map(str.isalpha, word))]
    return told[-1] if told else 0


def _controls(subject: Subject) -> tuple[Control, ...]:
    words = _words(subject)
    said = "Which token of the text, counted from 0."
    return (
        Number("position", "Token", _first(words), minimum=0, maximum=max(0, len(words) - 1), help=said),
        Number("count", "Neighbours", 12, minimum=3, maximum=30, help="How many tokens of the vocabulary."),
        *sample_control(subject.recorded()),
    )


def _draw(subject: Subject, *, theme: str, position: int, count: int, sample: int = 0) -> go.Figure:
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
