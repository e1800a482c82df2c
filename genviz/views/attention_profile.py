"""One row and one column of an attention map: whom a query looks at, and who looks at a key."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures import attention_profile as figures
from genviz.figures.attention_profile import Profile
from genviz.views.attended_tokens import last_word
from genviz.views.attending import ALL_CALLS, head_controls
from genviz.views.base import StandIn, View
from genviz.views.controls import Control
from genviz.views.looking import Looked, head_or_mean, look_controls, title_of
from genviz.views.picked import pair_controls, require_place
from genviz.views.subject import Subject
from genviz.views.windows import ALL_ROWS, SOME_ROWS, chosen_parts, span_controls, stand_in, tell
from genviz.views.windows import sample as sample_of


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    return (
        *head_controls(subject),
        *look_controls(subject, heads=True, threshold=False),
        *pair_controls(recording),
        *span_controls(recording),
    )


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, query: tuple[int, ...], key: tuple[int, ...],
    sample: int = 0, call: Any = ALL_CALLS, **look: Any,
) -> go.Figure:  # fmt: skip
    here = Looked.of(subject.recorded(), site, sample, call=call, look=look)
    shown = head_or_mean(head, look)
    row, column = require_place(here, 0, query), require_place(here, 1, key)
    if row is None and column is None:
        row = last_word(here.names[0])
    rows, keys = chosen_parts(look, here.shape)
    found = []
    if row is not None:
        found.append(_row(here, shown, row, keys, crossing=column))
    if column is not None:
        if look.get("detail") == SOME_ROWS:
            rows = sample_of(rows, here.work(shown, rows, range(column, column + 1)))
        found.append(_column(here, shown, column, rows, crossing=row))
    return figures.attention_profile(
        found, title=title_of(here, shown), note=here.said(shown, weak=False), theme=theme
    )


def _row(here: Looked, head: int | None, row: int, keys: range, *, crossing: int | None) -> Profile:
    at, part = np.array([row]), slice(keys.start, keys.stop)
    weights, seen = here.weights(head, at)[0], here.allowed(at)[0]
    return Profile(
        "query", row, str(here.names[0][row]), weights[part], seen[part], keys,
        names=here.names[1][part], left_out=here.dropped[part], crossing=crossing,
        total=float(weights[seen].sum(dtype=np.float64)),
    )  # fmt: skip


def _column(here: Looked, head: int | None, key: int, rows: range, *, crossing: int | None) -> Profile:
    column = here.overview(head, rows=rows, keys=range(key, key + 1), size=len(rows), report=tell)
    gone = bool(here.dropped[key]) if len(here.dropped) else False
    return Profile(
        "key", key, str(here.names[1][key]), column.largest[:, 0], column.seen[:, 0], rows,
        names=[here.names[0][at] for at in rows], left_out=np.full(len(rows), gone), crossing=crossing,
    )  # fmt: skip


def _sooner(subject: Subject, values: Mapping[str, Any]) -> StandIn | None:
    if values.get("detail") != ALL_ROWS or not values["key"]:
        return None
    here = Looked.of(
        subject.recorded(), values["site"], values.get("sample", 0), call=values.get("call", ALL_CALLS),
        look=values,
    )  # fmt: skip
    column = require_place(here, 1, values["key"])
    assert column is not None
    rows = chosen_parts(values, here.shape)[0]
    shown = head_or_mean(values["head"], values)
    return stand_in(rows, here.work(shown, rows, range(column, column + 1)))


attention_profile = View(
    name="attention_profile",
    title="One token",
    question="Whom does one token look at, and who looks at it?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
    sooner=_sooner,
)
