"""Where one head looks more, and where less, than in another run."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.comparing import shares
from genviz.errors import NotCaptured
from genviz.figures import differences as figures
from genviz.views.base import View
from genviz.views.comparing import SitePair, compare_controls, head_to_compare, pair_of
from genviz.views.controls import Control
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    controls = compare_controls(subject)
    return (*controls, *head_to_compare(subject, controls))


def _draw(
    subject: Subject, *, theme: str, other: str, site: str, head: int, second: str = "", cut: bool = False
) -> go.Figure:
    pair = pair_of(subject, other, second, cut=cut)
    sites = next(each for each in pair.sites("attention") if each[0] == site)
    opened = SitePair.of(pair, sites)
    if head >= opened.here.heads:
        raise NotCaptured(f"no head {head} at {site!r}: it has heads 0 … {opened.here.heads - 1}")
    one, another = (shares(rows) for rows in opened.weights(head))
    seen = opened.here.allowed(opened.queries[0])[:, opened.keys[0]]
    queries, keys = (
        _at(opened.here.names[n], common[0]) for n, common in enumerate((opened.queries, opened.keys))
    )
    return figures.attention_difference(
        another - one, seen, queries=queries, keys=keys, names=pair.names, note=opened.said,
        title=f"{site or 'model'} · head {head}", theme=theme,
    )  # fmt: skip


def _at(names: Any, positions: np.ndarray) -> list[Any]:
    return [names[int(at)] for at in positions]


compare_attention = View(
    name="compare_attention",
    title="One head, the difference",
    question="Where does this head look more in the other run, and where less?",
    needs=("attention", "live.tokenize|beside"),
    controls=_controls,
    draw=_draw,
)
