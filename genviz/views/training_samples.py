"""What a model writes at each checkpoint of its training."""

import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import training as figures
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject
from genviz.views.training import NEEDS, clock_of, run_controls, run_of

WAYS = (
    ("drawn", "drawn at temperature 1"),
    ("again", "drawn again"),
    ("greedy", "the likeliest word each time"),
)
_PLACES = {"greedy": 0, "drawn": 1, "again": 2}


def _controls(subject: Subject) -> tuple[Control, ...]:
    told = "Drawn texts show the whole distribution; the likeliest words soon run in circles."
    return (*run_controls(subject), Choice("way", "Written", "drawn", choices=WAYS, help=told))


def _draw(subject: Subject, *, theme: str, checkpoint: int, way: str, prompt: str = "") -> go.Figure:
    recording = run_of(subject, prompt)
    run = recording.info["training"]
    if not run["samples"]:
        raise NotCaptured("this model does not go on with a text, so there is nothing that it wrote")
    return figures.training_samples(
        [texts[_PLACES[way]] for texts in run["samples"]],
        clock_of(recording, checkpoint),
        prompt=str(run["prompt"]),
        losses=run["measured"],
        note=dict(WAYS)[way],
        theme=theme,
    )


training_samples = View(
    name="training_samples",
    title="What it writes",
    question="What does the model write, from noise to sentences?",
    needs=(NEEDS,),
    controls=_controls,
    draw=_draw,
)
