"""One token's way through the stack: what every sub-layer adds to its vector."""

import plotly.graph_objects as go

from genviz.analysis.residual import cosines, lengths
from genviz.errors import NotCaptured
from genviz.figures import residual as figures
from genviz.figures.residual import Stop
from genviz.figures.text import short_names
from genviz.views.base import View
from genviz.views.stream import PARTS, Layer, Stream, at_most, stream_controls, stream_of
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str, position: int, side: str = "", sample: int = 0) -> go.Figure:
    stream = stream_of(subject.recorded(), side, sample)
    at = at_most(position, stream.words)
    names = short_names(layer.name for layer in stream.layers)
    stops = [
        stop for name, layer in zip(names, stream.layers, strict=True) for stop in _stops(layer, name, at)
    ]
    if not stops:
        raise NotCaptured(_why(subject, stream.layers[0].site))
    start = None if stream.start is None else float(lengths(stream.start[at]))
    return figures.residual_path(stops, word=stream.words[at], position=at, start=start,
                                 normalised=_says(stream), theme=theme)  # fmt: skip


def _why(subject: Subject, block: str) -> str:
    reasons = [
        m.reason for m in subject.missing if m.kind == "contribution" and m.site.startswith(f"{block}.")
    ]
    said = (
        f", because {reasons[0]}"
        if reasons
        else ": record it with all kinds, or with 'contribution' among them"
    )
    return f"what attention and feed-forward add to the stream was not captured in {block!r}{said}"


def _stops(layer: Layer, name: str, at: int) -> list[Stop]:
    last = len(layer.steps) - 1
    found = []
    for number, step in enumerate(layer.steps):
        added = step.added[at]
        knows = step.before is not None
        total = lengths(step.before[at] + added) if step.before is not None else None
        found.append(
            Stop(
                layer=name,
                part=step.part,
                label=PARTS[step.part],
                added=float(lengths(added)),
                total=float(total) if total is not None else None,
                cosine=float(cosines(step.before[at], added)) if knows and step.before is not None else None,
                normalised=None if step.normalised is None else float(lengths(step.normalised[at])),
                after=float(lengths(layer.after[at])) if number == last else None,
            )
        )
    return found


def _says(stream: Stream) -> str:
    return {True: "read, normalised", False: "left, normalised", None: ""}[stream.norm_first]


residual_path = View(
    name="residual_path",
    title="One token through the stack",
    question="What do attention and the feed-forward network each add to one token, layer by layer?",
    needs=("hidden", "contribution"),
    controls=stream_controls,
    draw=_draw,
)
