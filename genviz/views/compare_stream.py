"""How far the vectors of the same tokens have turned, layer by layer, between two runs."""

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.comparing import turned
from genviz.errors import NotCaptured
from genviz.figures import differences as figures
from genviz.views.base import View
from genviz.views.comparing import Pair, compare_controls, pair_of
from genviz.views.stream import Stream, stream_of
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str, other: str, second: str = "", cut: bool = False) -> go.Figure:
    pair = pair_of(subject, other, second, cut=cut)
    one, another = (stream_of(each) for each in (pair.first, pair.second))
    _require_alike(pair, one, another)
    at = pair.common(list(one.words), list(another.words))
    states = [(a.after[at[0]], b.after[at[1]]) for a, b in zip(one.layers, another.layers, strict=True)]
    names = [layer.name for layer in one.layers]
    if one.start is not None and another.start is not None:
        states.insert(0, (one.start[at[0]], another.start[at[1]]))
        names.insert(0, "input")
    differing = len(at[0]) < max(len(one.words), len(another.words))
    note = f"The texts differ: {len(at[0])} tokens that both have are compared." if differing else ""
    return figures.stream_difference(
        np.stack([turned(a, b) for a, b in states]),
        words=[one.words[int(n)] for n in at[0]],
        layers=names,
        names=pair.names,
        note=note,
        theme=theme,
    )


def _require_alike(pair: Pair, one: Stream, another: Stream) -> None:
    sizes = [f"{len(each.layers)} layers {each.layers[0].after.shape[1]} wide" for each in (one, another)]
    if sizes[0] != sizes[1]:
        raise NotCaptured(
            f"{pair.names[0]!r} has {sizes[0]}, {pair.names[1]!r} {sizes[1]}: vectors of different spaces "
            "cannot be compared; compare models of the same build"
        )


compare_stream = View(
    name="compare_stream",
    title="Vectors",
    question="In which layer do the same tokens come to mean something else?",
    needs=("hidden", "live.tokenize|beside"),
    controls=compare_controls,
    draw=_draw,
)
