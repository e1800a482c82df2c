"""How long the residual stream's vectors are, layer by layer and token by token."""

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.residual import lengths
from genviz.errors import NotCaptured
from genviz.figures import residual as figures
from genviz.figures.text import short_names
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.stream import PARTS, Stream, at_most, parts_of, stream_controls, stream_of
from genviz.views.subject import Subject

QUANTITIES = {"stream": "residual stream", **{part: f"{name} adds" for part, name in PARTS.items()}}


def _controls(subject: Subject) -> tuple[Control, ...]:
    parts = ("stream", *parts_of(subject.recorded()))
    choices = tuple((part, QUANTITIES[part]) for part in parts)
    return (
        Choice("quantity", "Length of", "stream", choices=choices,
               help="The stream behind each block, or what one kind of sub-layer adds to it."),
        *stream_controls(subject),
    )  # fmt: skip


def _draw(
    subject: Subject, *, theme: str, quantity: str, position: int, side: str = "", sample: int = 0
) -> go.Figure:
    stream = stream_of(subject.recorded(), side, sample)
    names, values = _rows(stream, quantity)
    return figures.residual_norms(
        values,
        words=stream.words,
        layers=names,
        chosen=at_most(position, stream.words),
        what=QUANTITIES[quantity],
        theme=theme,
    )


def _rows(stream: Stream, quantity: str) -> tuple[list[str], np.ndarray]:
    """Names of the rows and lengths, (layer, token)."""
    short = short_names(layer.name for layer in stream.layers)
    if quantity == "stream":
        rows = [("start", stream.start)] if stream.start is not None else []
        rows += [(name, layer.after) for name, layer in zip(short, stream.layers, strict=True)]
    else:
        rows = [
            (name, np.sum([step.added for step in layer.steps if step.part == quantity], axis=0))
            for name, layer in zip(short, stream.layers, strict=True)
            if any(step.part == quantity for step in layer.steps)
        ]
    if not rows:
        raise NotCaptured(f"nothing was captured of what {QUANTITIES[quantity]} to the stream here")
    return [name for name, _ in rows], np.stack([lengths(vectors) for _, vectors in rows])


residual_norms = View(
    name="residual_norms",
    title="Length of the stream",
    question="Where in the layers does each token's vector grow, and which tokens stand out?",
    needs=("hidden",),
    controls=_controls,
    draw=_draw,
)
