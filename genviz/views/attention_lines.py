"""Which token looks at which, as lines between words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures import attention_lines as figures
from genviz.views.attending import ALL_CALLS, head_controls, longest
from genviz.views.base import View
from genviz.views.controls import Control, Number
from genviz.views.looking import Looked, head_or_mean, look_controls, title_of
from genviz.views.picked import pair_controls
from genviz.views.subject import Subject

WINDOW = 24  # tokens per side that can be read at once


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

    def place(self, picked: tuple[int, ...]) -> int | None:
        """Where a picked token stands in the part that is shown, if it does."""
        return picked[0] - self.start if picked and self.start <= picked[0] < self.stop else None

    @property
    def note(self) -> str:
        return f"{self.start}–{self.stop - 1} of {self.length}"


_WEAKEST = Number(
    "threshold", "Weakest link", 0.05, minimum=0.0, maximum=1.0, step=0.01,
    help="Weaker links are not drawn; the small print says how much weight that hides.",
)  # fmt: skip


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    most = longest(recording)
    controls: list[Control] = [
        *head_controls(subject),
        *look_controls(subject, heads=True, threshold=False),
        *pair_controls(subject.recorded()),
        _WEAKEST,
    ]
    if most > WINDOW:
        last = most - 1
        controls.append(Number("first", "From token", 0, minimum=0, maximum=last, help="First token shown."))
    return tuple(controls)


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, query: tuple[int, ...], key: tuple[int, ...],
    first: int = 0, sample: int = 0, call: Any = ALL_CALLS, **look: Any,
) -> go.Figure:  # fmt: skip
    here = Looked.of(subject.recorded(), site, sample, call=call, look=look)
    shown, long = head_or_mean(head, look), max(here.shape) > WINDOW
    if long and (query or key):
        first = (query or key)[0] - WINDOW // 2
    rows, columns = (_Window.of(first, length) for length in here.shape)
    weights = here.weights(shown, np.arange(rows.start, rows.stop))[:, columns.start : columns.stop]
    note = f"Tokens {rows.note} on the left, {columns.note} on the right. " if long else ""
    return figures.attention_lines(
        weights,
        queries=here.names[0][rows.start : rows.stop],
        keys=here.names[1][columns.start : columns.stop],
        threshold=here.threshold,
        query=rows.place(query),
        key=columns.place(key),
        starts=(rows.start, columns.start),
        note=note + here.said(shown, weak=False),
        title=title_of(here, shown),
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
