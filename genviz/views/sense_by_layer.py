"""Where the vectors of one word in two senses come apart: cosine by layer."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.senses import mean_between, together
from genviz.figures import senses as figures
from genviz.figures.senses import Curves
from genviz.figures.text import clean
from genviz.views.base import View
from genviz.views.controls import Control
from genviz.views.senses import (
    Senses,
    layer_control,
    layer_names,
    sense_controls,
    spoken,
    vectors_control,
)
from genviz.views.subject import Subject

UNITS = {"centred": "centred cosine", "raw": "cosine"}


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (*sense_controls(subject), vectors_control(), layer_control(subject))


def _draw(subject: Subject, *, theme: str, vectors: str, layer: int, **look: Any) -> go.Figure:
    here = Senses.of(subject, look)
    table, same = here.cosines(vectors), together(here.labels)
    a, b = here.pair
    labels = np.array(here.labels)
    curves = Curves(
        table[:, a, b],
        {
            sense: mean_between(table, np.logical_and.outer(labels == sense, labels == sense))
            for sense in dict.fromkeys(here.labels)
            if (labels == sense).sum() > 1
        },
        mean_between(table, ~same),
        np.asarray(here.found["typical"]) if vectors == "raw" else None,
    )
    first, last = ("undefined" if np.isnan(each) else f"{each:.3f}" for each in curves.pair[[0, -1]])
    title = f"“{clean(here.word)}” in A and B: cosine {first} before, {last} behind all blocks"
    return figures.similarity_by_layer(
        curves,
        names=layer_names(here.layers),
        layers=[_place(here, at) for at in range(len(here.layers))],
        layer=here.at(layer),
        colouring=here.colouring,
        title=title,
        unit=UNITS[vectors],
        note=_note(here),
        theme=theme,
    )


def _place(here: Senses, at: int) -> str:
    """A layer in words, with the block's own name."""
    name = here.layers[at]
    return spoken(here.layers, at) + ("" if name in ("embedding", "input") else f" ({clean(name, 40)})")


def _note(here: Senses) -> str:
    texts = [
        f"{name} ({clean(here.labels[item])}): {here.told(item)}"
        for name, item in zip("AB", here.pair, strict=True)
    ]
    return "<br>".join([*texts, *([clean(here.said, 500)] if here.said else [])])


sense_by_layer = View(
    name="sense_by_layer",
    title="Alike, layer by layer",
    question="In which layer do the two senses of the word come apart?",
    needs=("live.word_vectors",),
    controls=_controls,
    draw=_draw,
)
