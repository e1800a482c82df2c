"""Which token looks at which, as lines between words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures import attention_lines as figures
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls
from genviz.views.base import View
from genviz.views.controls import Control, Number, Picks
from genviz.views.subject import Subject

WINDOW = 36  # tokens per side that can be read at once


@dataclass(frozen=True)
class _Window:
    """The part of a text that is shown."""

    start: int
    stop: int
    length: int

    @classmethod
    def of(cls, first: int, length: int) -> "_Window":
        start = max(0, min(first, length - WINDOW))
        return cls(start, min(start + WINDOW, length), length)

    @property
    def note(self) -> str:
        return f"{self.start}–{self.stop - 1} of {self.length}"


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    longest = max(_lengths(recording))
    controls: list[Control] = [
        *head_controls(subject),
        Picks("query", "One token", (), count=longest, most=1, help="Click a word on the left."),
        Number(
            "threshold",
            "Weakest link",
            0.05,
            minimum=0.0,
            maximum=1.0,
            step=0.01,
            help="Weaker links are not drawn.",
        ),
    ]
    if longest > WINDOW:
        last = longest - 1
        controls.append(Number("first", "From token", 0, minimum=0, maximum=last, help="First token shown."))
    return tuple(controls)


def _lengths(recording: Any) -> list[int]:
    found = []
    for site in recording.sites(kind="attention"):
        reader = recording.attention_reader(site)
        queries, keys = reader.tokens(max(reader.calls))
        found.append(max(len(queries), len(keys)))
    return found


def _draw(
    subject: Subject,
    *,
    theme: str,
    site: str,
    head: int,
    query: tuple[int, ...],
    threshold: float,
    first: int = 0,
    sample: int = 0,
    call: Any = ALL_CALLS,
) -> go.Figure:
    here = AttentionSite.of(subject.recorded(), site, sample, call=call)
    first = query[0] - WINDOW // 2 if query and max(here.shape) > WINDOW else first
    rows, columns = (_Window.of(first, length) for length in here.shape)
    weights = here.weights(head, np.arange(rows.start, rows.stop))[:, columns.start : columns.stop]
    picked = query[0] - rows.start if query and rows.start <= query[0] < rows.stop else None
    cut = max(here.shape) > WINDOW
    return figures.attention_lines(
        weights,
        queries=here.names[0][rows.start : rows.stop],
        keys=here.names[1][columns.start : columns.stop],
        threshold=threshold,
        query=picked,
        starts=(rows.start, columns.start),
        note=f"Tokens {rows.note} on the left, {columns.note} on the right." if cut else "",
        title=f"{site or 'model'} · head {head}",
        theme=theme,
    )


attention_lines = View(
    name="attention_lines",
    title="Attention as lines",
    question="What does each word look at?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
