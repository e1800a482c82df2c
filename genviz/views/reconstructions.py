"""What an autoencoder keeps and what it loses: input, reconstruction, residual."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.figures.colours import table
from genviz.figures.gallery import Band, gallery
from genviz.figures.image import indexed, to_pixels
from genviz.figures.theme import palette, role
from genviz.recording import Entry, Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.pictures import picture_range, require_pictures
from genviz.views.subject import Subject

Items = NDArray[np.float32]
ORDERS = (
    ("spread", "spread over the data"),
    ("data", "as in the data"),
    ("worst", "worst first"),
    ("best", "best first"),
)


def _controls(subject: Subject) -> tuple[Control, ...]:
    inputs, _ = _pairs(subject.recorded())
    return (
        Choice("order", "Order", "spread", choices=ORDERS, help="By the mean squared error of the item."),
        Number(
            "count", "Items", min(6, len(inputs)), minimum=1, maximum=min(24, len(inputs)), help="How many."
        ),
        Number("first", "From", 0, minimum=0, maximum=len(inputs) - 1, help="First item of this order."),
    )


def _draw(subject: Subject, *, theme: str, order: str, count: int, first: int) -> go.Figure:
    inputs, outputs = _pairs(subject.recorded())
    residual = outputs - inputs
    errors = (residual.astype(np.float64) ** 2).mean(axis=(1, 2, 3))
    chosen = _chosen(errors, order, count, first=first)
    span = picture_range(subject.info)
    top = float(np.nanmax(np.abs(residual[chosen]))) or 1.0
    signed = indexed(residual[chosen].mean(axis=1), -top, top)
    told = [f"<b>item {n}</b><br>mean squared error {errors[n]:.6g}" for n in chosen]
    colours, more = palette(theme), {"indices": chosen.tolist(), "hover": told}
    bands = (
        Band("input", to_pixels(inputs[chosen], span), role("encoder", theme), **more),
        Band("output", to_pixels(outputs[chosen], span), role("decoder", theme), **more),
        Band("residual", signed, colours.text, [f"{errors[n]:.4f}" for n in chosen],
             palette=table(colours.signed), **more),
    )  # fmt: skip
    return gallery(
        bands,
        columns=len(chosen),
        theme=theme,
        title=f"Residual = output − input (±{top:.2f}); below it the mean squared error",
    )


def _chosen(errors: NDArray[np.float64], order: str, count: int, *, first: int) -> NDArray[np.intp]:
    """Which items are shown: evenly spread from the first one on, or the next in an order."""
    if order == "spread":
        left = len(errors) - first
        return first + np.arange(min(count, left)) * left // min(count, left)
    ranked = np.arange(len(errors)) if order == "data" else np.argsort(errors, kind="stable")
    return (ranked[::-1] if order == "worst" else ranked)[first : first + count]


def _pairs(recording: Recording) -> tuple[Items, Items]:
    """Inputs and what came out of them, item by item.

    Raises
    ------
    NotCaptured
        When they are no pictures or do not fit together.
    """
    made = recording.entries(kind="reconstruction")[-1]
    fitting = [e for e in recording.entries(kind="sample") if e.shape == made.shape and _is_real(e)]
    if not fitting:
        shapes = [entry.shape for entry in recording.entries(kind="sample")]
        raise NotCaptured(f"no inputs of the reconstructions' shape {made.shape}: samples have {shapes}")
    inputs, outputs = (np.asarray(entry.load(), np.float32) for entry in (fitting[-1], made))
    return require_pictures(inputs, "the inputs"), require_pictures(outputs, "the reconstructions")


def _is_real(entry: Entry) -> bool:
    return bool(entry.attrs.get("source", "real") == "real")


reconstructions = View(
    name="reconstructions",
    title="What is kept, what is lost",
    question="What does the model lose on the way through its latent code?",
    needs=("sample", "reconstruction"),
    controls=_controls,
    draw=_draw,
)
