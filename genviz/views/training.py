"""A training looked back on, as a recording: the subject's own, or of a live model's checkpoints."""

import threading
from typing import Any
from weakref import WeakKeyDictionary

from genviz.errors import NotCaptured
from genviz.figures.training import Clock
from genviz.recording import Recording
from genviz.views.asking import ask_plainly
from genviz.views.controls import Choice, Control, Text
from genviz.views.subject import Subject

NEEDS = "info.training|live.training"
_LOCKS: WeakKeyDictionary[Recording, threading.Lock] = WeakKeyDictionary()


def run_controls(subject: Subject) -> tuple[Control, ...]:
    """Which checkpoint, first the last one; where a model is there to ask, also which text."""
    steps = steps_of(subject)
    choices = tuple((step, f"step {step:,}") for step in steps)
    told = "How far the training had gone; the clock moves all pictures."
    found: list[Control] = [Choice("checkpoint", "Checkpoint", steps[-1], choices=choices, help=told)]
    if not subject.info.get("training"):
        told = "Every checkpoint goes on with it; with nothing here, with the first two words of the text."
        found.append(Text("prompt", "Beginning", "", longest=400, help=told))
    return tuple(found)


def steps_of(subject: Subject) -> list[int]:
    """Steps of the checkpoints.

    Raises
    ------
    NotCaptured
        When none are known.
    """
    told = subject.info.get("training") or subject.info.get("defaults") or {}
    steps = [int(step) for step in told.get("steps", ())]
    if not steps:
        raise NotCaptured(f"{subject.name!r} knows no checkpoints: pass checkpoints= when you make the model")
    return steps


def run_of(subject: Subject, prompt: str = "") -> Recording:
    """The training as a recording; what a live model finds is kept with the recording of the subject."""
    own = subject.recorded()
    if subject.info.get("training"):
        return own
    text = list(own.info.get("text") or ())[:1]
    arguments: dict[str, Any] = {"text": text[0]} if text else {}
    if prompt.strip():
        arguments["prompt"] = prompt
    with _LOCKS.setdefault(own, threading.Lock()):  # several pictures ask at once: one look serves them all
        found: Recording = ask_plainly(subject, "training", **arguments)
    return found


def clock_of(recording: Recording, checkpoint: int) -> Clock:
    """The steps, and the place of one among them."""
    steps = [int(step) for step in recording.info["training"]["steps"]]
    return Clock(steps, min(range(len(steps)), key=lambda at: abs(steps[at] - checkpoint)))
