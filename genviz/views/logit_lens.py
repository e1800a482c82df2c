"""What the model would say if it stopped after a layer."""

from typing import Any

import plotly.graph_objects as go

from genviz.errors import ControlError
from genviz.figures import logit_lens as figures
from genviz.views.asking import ask, sample_control
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.said_word import word_control
from genviz.views.stream import at_most, position_control
from genviz.views.subject import Subject

SHOWN = {
    "top": "likeliest word",
    "probability": "probability of the word",
    "rank": "rank of the word",
    "entropy": "entropy",
}


def _controls(subject: Subject) -> tuple[Control, ...]:
    controls: list[Control] = [
        position_control(subject),
        Choice("show", "Show", "top", choices=tuple(SHOWN.items()), help="What stands in the cells."),
        word_control(),
        *sample_control(subject.recorded()),
    ]
    if (subject.info.get("defaults") or {}).get("tuned_lens"):
        lenses = (("logit", "logit lens"), ("tuned", "tuned lens"))
        said = "The tuned lens carries each state to the last layer's space first."
        controls.append(Choice("lens", "Lens", "logit", choices=lenses, help=said))
    return tuple(controls)


def _draw(
    subject: Subject, *, theme: str, position: int, show: str, word: str, lens: str = "logit", sample: int = 0
) -> go.Figure:
    found: dict[str, Any] = ask(
        subject, "logit_lens", sample=sample, word=word.strip() or None, tuned=lens == "tuned"
    )
    if show not in SHOWN:
        raise ControlError(f"show={show!r} does not fit: there are {', '.join(SHOWN)}")
    at = at_most(position, found["words"])
    return figures.logit_lens(
        found, show=show, what=SHOWN[show], chosen=at, named=bool(word.strip()), theme=theme
    )


logit_lens = View(
    name="logit_lens",
    title="Logit lens",
    question="What would the model say if it stopped after this layer?",
    needs=("logits|top_logits", "live.logit_lens"),
    controls=_controls,
    draw=_draw,
)
