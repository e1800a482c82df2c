"""How the loss falls along a training."""

from collections.abc import Sequence

import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import training as figures
from genviz.figures.training import MEASURED
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject
from genviz.views.training import NEEDS, clock_of, run_controls, run_of

Line = tuple[Sequence[float], Sequence[float]]


def _controls(subject: Subject) -> tuple[Control, ...]:
    told = "What happens early happens fast: a logarithmic axis gives it room."
    axes = (("log", "logarithmic"), ("linear", "linear"))
    return (*run_controls(subject), Choice("axis", "Steps", "log", choices=axes, help=told))


def _draw(subject: Subject, *, theme: str, checkpoint: int, axis: str, prompt: str = "") -> go.Figure:
    recording = run_of(subject, prompt)
    run = recording.info["training"]
    lines: dict[str, Line] = {
        name: (line["steps"], line["loss"]) for name, line in (run.get("history") or {}).items()
    }
    note = "" if lines else "No loss was logged: pass history= when you make the model."
    if run["measured"]:
        lines[MEASURED] = (run["steps"], run["measured"])
    if not lines:
        raise NotCaptured(f"no loss was logged, and none can be measured here. {note}")
    return figures.training_loss(
        lines, clock_of(recording, checkpoint), logarithmic=axis == "log", note=note, theme=theme
    )


training_loss = View(
    name="training_loss",
    title="Loss",
    question="How well does the model tell the next word, from the first step to the last?",
    needs=(NEEDS,),
    controls=_controls,
    draw=_draw,
)
