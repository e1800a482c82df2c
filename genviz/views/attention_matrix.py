"""Which token looks at which: one attention head as a map."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.pooling import Pooling
from genviz.figures import attention_matrix as figures
from genviz.figures.attention_matrix import LeftOut
from genviz.views.attending import ALL_CALLS, head_controls, longest
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.looking import Looked, head_or_mean, look_controls, pooling_control, title_of
from genviz.views.subject import Subject

EXACT_UP_TO = 128  # tokens per side up to which every cell is drawn with its number
PICTURE_SIDE = 512  # blocks per side of a longer map


def _controls(subject: Subject) -> tuple[Control, ...]:
    tops = (("own", "this head's largest"), ("one", "0 to 1"))
    return (
        *head_controls(subject),
        *look_controls(subject, heads=True),
        Choice("scale", "Colours", "own", choices=tops, help="What the strongest colour stands for."),
        *pooling_control(PICTURE_SIDE, longest(subject.recorded())),
    )


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, sample: int = 0, call: Any = ALL_CALLS,
    pooling: Pooling = "max", **look: Any,
) -> go.Figure:  # fmt: skip
    here = Looked.of(subject.recorded(), site, sample, call=call, look=look)
    shown = head_or_mean(head, look)
    title, top = title_of(here, shown), 1.0 if look["scale"] == "one" else None
    if max(here.shape) > EXACT_UP_TO:
        overview = here.overview(shown, size=PICTURE_SIDE)
        left = _left_out(here, shown)
        return figures.attention_overview(
            overview, how=pooling, theme=theme, title=title, top=top, left_out=left
        )
    tile = here.overview(shown, size=EXACT_UP_TO)
    return figures.attention_matrix(
        tile.largest,
        tile.seen,
        queries=here.names[0],
        keys=here.names[1],
        theme=theme,
        title=title,
        top=top,
        left_out=_left_out(here, shown, np.arange(here.shape[0])),
    )


def _left_out(here: Looked, head: int | None, rows: Any = None) -> LeftOut:
    removed = here.removed(head, rows) if rows is not None and here.dropped.any() else None
    return LeftOut(here.threshold, here.dropped, removed, note=here.said(head))


attention_matrix = View(
    name="attention_matrix",
    title="One head",
    question="Which token looks at which?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
