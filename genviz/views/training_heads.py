"""Attention heads as they form along a training."""

import numpy as np
import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import training as figures
from genviz.figures.text import layer_labels
from genviz.recording import Entry, Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject
from genviz.views.training import NEEDS, clock_of, run_controls, run_of

ALL = "all"
MOST_HEADS = 24  # maps of heads that are drawn at once


def _controls(subject: Subject) -> tuple[Control, ...]:
    facts = subject.info.get("facts") or {}
    layers, heads = (int(facts.get(name) or 0) for name in ("n_layers", "n_heads"))
    found = [(str(n), f"layer {n}") for n in range(layers)]
    whole = not layers or layers * heads <= MOST_HEADS
    choices = ((ALL, "all layers"), *found) if whole else tuple(found)
    told = "Layers whose heads are shown."
    return (*run_controls(subject), Choice("depth", "Layers", choices[0][0], choices=choices, help=told))


def _draw(subject: Subject, *, theme: str, checkpoint: int, depth: str, prompt: str = "") -> go.Figure:
    recording = run_of(subject, prompt)
    sites = [site for site in recording.sites("attention") if _steps(recording, site)]
    if not sites:
        raise NotCaptured("no attention was captured along this training: the model has no softmax attention")
    if depth != ALL:
        sites = sites[int(depth) : int(depth) + 1]
    stacks = [np.stack([entry.load()[0] for entry in _entries(recording, site)]) for site in sites]
    if len({stack.shape for stack in stacks}) > 1:
        raise NotCaptured("layers differ in their number of heads: choose one layer")
    weights = np.stack(stacks, axis=1).astype(np.float64)  # (step, layer, head, query, key)
    weights[np.broadcast_to((weights == 0).all(axis=(0, 1, 2)), weights.shape)] = np.nan
    clock = clock_of(recording, checkpoint)
    heads = [f"head {n}" for n in range(weights.shape[2])]
    return figures.training_heads(
        weights,
        recording.tokens[0],
        clock,
        labels=(layer_labels(sites), heads),
        note=_note(recording),
        theme=theme,
    )  # fmt: skip


def _note(recording: Recording) -> str:
    words = " ".join(recording.tokens[0])
    return f"Text: {words}. White: may not be looked at. Colours run from 0 to 1 at every step."


def _entries(recording: Recording, site: str) -> list[Entry]:
    return [entry for entry in recording.entries(site, "attention") if entry.step is not None]


def _steps(recording: Recording, site: str) -> bool:
    return len(_entries(recording, site)) > 1


training_heads = View(
    name="training_heads",
    title="Heads form",
    question="When does each attention head find what it looks at?",
    needs=(NEEDS,),
    controls=_controls,
    draw=_draw,
)
