"""Which token looks at which: one attention head as a map."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.pooling import Pooling
from genviz.figures import attention_matrix as figures
from genviz.figures.attention_matrix import LeftOut
from genviz.views.attending import ALL_CALLS, head_controls, longest
from genviz.views.base import StandIn, View
from genviz.views.controls import Choice, Control
from genviz.views.looking import Looked, head_or_mean, look_controls, pooling_control, title_of
from genviz.views.subject import Subject
from genviz.views.windows import ALL_ROWS, SOME_ROWS, chosen_parts, span_controls, spelled, stand_in, tell
from genviz.views.windows import sample as sample_of

EXACT_UP_TO = 128  # tokens per side up to which every cell is drawn with its number
PICTURE_SIDE = 512  # blocks per side of a longer map


def _controls(subject: Subject) -> tuple[Control, ...]:
    tokens = longest(subject.recorded())
    return (
        *head_controls(subject),
        *look_controls(subject, heads=True),
        *span_controls(subject.recorded()),
        _scale(tokens),
        *pooling_control(PICTURE_SIDE, tokens),
    )


def _scale(tokens: int) -> Choice:
    tops = (("own", "this head's largest"), ("one", "0 to 1"))
    told = "What the strongest colour stands for."
    if tokens <= PICTURE_SIDE:
        return Choice("scale", "Colours", "own", choices=tops, help=told)
    told += " Logarithmic colours show faint weights of long texts, in parts of more than 128 tokens."
    return Choice("scale", "Colours", "log", choices=(("log", "logarithmic"), *tops), help=told)


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, sample: int = 0, call: Any = ALL_CALLS,
    pooling: Pooling = "max", **look: Any,
) -> go.Figure:  # fmt: skip
    here = Looked.of(subject.recorded(), site, sample, call=call, look=look)
    shown = head_or_mean(head, look)
    rows, keys = chosen_parts(look, here.shape)
    title = title_of(here, shown) + spelled(rows, keys, here.shape)
    top = 1.0 if look["scale"] == "one" else None
    if max(len(rows), len(keys)) > EXACT_UP_TO:
        if look.get("detail") == SOME_ROWS:
            rows = sample_of(rows, here.work(shown, rows, keys))
        overview = here.overview(shown, rows=rows, keys=keys, size=PICTURE_SIDE, report=tell)
        left = LeftOut(here.threshold, note=here.said(shown))
        return figures.attention_overview(
            overview, how=pooling, theme=theme, title=title, top=top, left_out=left,
            logarithmic=look["scale"] == "log",
        )  # fmt: skip
    tile = here.overview(shown, rows=rows, keys=keys, size=EXACT_UP_TO)
    return figures.attention_matrix(
        tile.largest,
        tile.seen,
        queries=here.names[0][rows.start : rows.stop],
        keys=here.names[1][keys.start : keys.stop],
        starts=(rows.start, keys.start),
        theme=theme,
        title=title,
        top=top,
        left_out=_left_out(here, shown, rows, keys),
    )


def _left_out(here: Looked, head: int | None, rows: range, keys: range) -> LeftOut:
    removed = here.removed(head, np.asarray(rows)) if here.dropped.any() else None
    return LeftOut(here.threshold, here.dropped[keys.start : keys.stop], removed, note=here.said(head))


def _sooner(subject: Subject, values: Mapping[str, Any]) -> StandIn | None:
    if values.get("detail") != ALL_ROWS:
        return None
    here = Looked.of(
        subject.recorded(), values["site"], values.get("sample", 0), call=values.get("call", ALL_CALLS),
        look=values,
    )  # fmt: skip
    shown = head_or_mean(values["head"], values)
    rows, keys = chosen_parts(values, here.shape)
    return stand_in(rows, here.work(shown, rows, keys))


attention_matrix = View(
    name="attention_matrix",
    title="One head",
    question="Which token looks at which?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
    sooner=_sooner,
)
