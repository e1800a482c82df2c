"""Words that are hidden, and what a model puts there."""

import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import masked_words as figures
from genviz.recording import Recording
from genviz.views.asking import ask, ids_of
from genviz.views.base import View
from genviz.views.controls import Control, Number, Picks
from genviz.views.subject import Subject

MOST = 4  # words that are hidden at once
LONGEST = 140  # tokens that are drawn


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    count = len(ids_of(recording)["text"])
    told = "Click words of the text to hide them; the model sees all the others."
    return (
        Picks("hide", "Hidden words", _first(recording, count), count=count, most=MOST, help=told),
        Number("candidates", "Candidates", 5, minimum=2, maximum=12, help="Words listed for each mask."),
    )


def _first(recording: Recording, count: int) -> tuple[int, ...]:
    """A word in the middle, so that the first sight has something to tell."""
    special = set(recording.info.get("special_tokens") or ())
    names = recording.tokens[0] if recording.tokens else ()
    words = [at for at, name in enumerate(names) if name not in special and name.strip(".,;:!?")]
    return (words[len(words) // 2],) if words else (count // 2,)


def _draw(subject: Subject, *, theme: str, hide: tuple[int, ...], candidates: int) -> go.Figure:
    found = ask(subject, "masked_words", positions=list(hide), top=candidates)
    if len(found["tokens"]) > LONGEST:
        raise NotCaptured(
            f"the text has {len(found['tokens'])} tokens: words of texts up to {LONGEST} can be hidden here; "
            "give a shorter one"
        )
    return figures.masked_words(found, theme=theme)


masked_words = View(
    name="masked_words",
    title="Masked words",
    question="Which word does the model expect where one is hidden?",
    needs=("live.masked_words", "ids"),
    controls=_controls,
    draw=_draw,
)
