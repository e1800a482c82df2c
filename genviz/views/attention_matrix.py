"""Which token looks at which: one attention head as a map."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.attention import pooled
from genviz.figures import attention_matrix as figures
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject

EXACT_UP_TO = 128  # tokens per side up to which every cell is drawn with its number
PICTURE_SIDE = 512  # blocks per side of a longer map


def _controls(subject: Subject) -> tuple[Control, ...]:
    pooling = (("max", "strongest link"), ("mean", "mean"))
    tops = (("own", "this head's largest"), ("one", "0 to 1"))
    return (
        *head_controls(subject),
        Choice("scale", "Colours", "own", choices=tops, help="What the strongest colour stands for."),
        Choice(
            "pooling",
            "Long texts",
            "max",
            choices=pooling,
            help=f"How cells are put together above {PICTURE_SIDE} tokens.",
        ),
    )


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, sample: int = 0, call: Any = ALL_CALLS, **look: str
) -> go.Figure:
    here = AttentionSite.of(subject.recorded(), site, sample, call=call)
    title = f"{site or 'model'} · head {head}"
    top = 1.0 if look["scale"] == "one" else None
    if max(here.shape) <= EXACT_UP_TO:
        rows = np.arange(here.shape[0])
        queries, keys = here.names
        return figures.attention_matrix(
            here.weights(head, rows),
            here.allowed(rows),
            queries=queries,
            keys=keys,
            theme=theme,
            title=title,
            top=top,
        )
    overview = pooled(
        lambda rows: here.weights(head, rows),
        here.allowed,
        here.shape,
        size=PICTURE_SIDE,
        how="max" if look["pooling"] == "max" else "mean",
    )
    return figures.attention_overview(
        overview, here.shape, how=look["pooling"], theme=theme, title=title, top=top
    )


attention_matrix = View(
    name="attention_matrix",
    title="Attention of one head",
    question="Which token looks at which?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
