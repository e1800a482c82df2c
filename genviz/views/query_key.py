"""Why does this token look at that one: the score of one pair, channel by channel."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.scores import score_steps
from genviz.errors import NotCaptured
from genviz.figures import query_key as figures
from genviz.figures.base import foot
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.picked import pair_controls, require_place
from genviz.views.subject import Subject

_ORDERS = (("channel", "as numbered"), ("size", "largest first"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *head_controls(subject),
        *pair_controls(subject.recorded()),
        Choice("order", "Channels", "channel", choices=_ORDERS, help="In which order channels are drawn."),
    )


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, query: tuple[int, ...], key: tuple[int, ...],
    order: str, sample: int = 0, call: Any = ALL_CALLS,
) -> go.Figure:  # fmt: skip
    here = AttentionSite.of(subject.recorded(), site, sample, call=call)
    row, column = _pair(here, head, query, key)
    inputs, local = here.inputs_at(row)
    if column >= inputs.shape[1]:
        raise NotCaptured(
            f"key {column} comes after query {row}: when this query was computed there were "
            f"{inputs.shape[1]} keys"
        )
    steps = score_steps(inputs, head, local, key=column)
    queries, keys = here.names
    figure = figures.query_key(
        steps, keys[: len(steps.scores)], pair=(row, column), queries=queries, by_size=order == "size",
        theme=theme, title=f"{site or 'model'} · head {head}",
    )  # fmt: skip
    foot(figure, _words(steps.allowed[column], inputs.rule.scale, inputs.sinks is not None), theme)
    return figure


def _pair(here: AttentionSite, head: int, query: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, int]:
    """The pair asked for; without one, the last query and the key it looks at most (but for itself)."""
    row, column = require_place(here, 0, query), require_place(here, 1, key)
    row = here.shape[0] - 1 if row is None else row
    if column is not None:
        return row, column
    weights = np.nan_to_num(here.weights(head, np.array([row]))[0])
    own = row + here.start
    if weights.size > 1 and own < weights.size:
        weights[own] = 0
    return row, int(weights.argmax())


def _words(seen: bool, scale: float, sinks: bool) -> str:
    said = f"Scale {scale:.4g}. Query and key as they meet: after position rotation, where the model rotates."
    if sinks:
        said += " A learned sink takes the weight that is missing to 1."
    return said if seen else f"Masked: this query may not look at this key, whatever their score. {said}"


query_key = View(
    name="query_key",
    title="Why this weight",
    question="Which channels of query and key make this token look at that one?",
    needs=("query", "key"),
    controls=_controls,
    draw=_draw,
)
