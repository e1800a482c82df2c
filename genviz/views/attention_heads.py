"""All heads of all layers at once."""

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.attention import Pooling, entropy, pooled
from genviz.figures import attention_heads as figures
from genviz.figures.attention_heads import HeadMap, tile_side
from genviz.views.attending import ALL_CALLS, AttentionSite, site_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.head_scores import running
from genviz.views.subject import Subject

MOST_ROWS_SAID = 256  # rows from which a long map's mean entropy is taken
WHOLE_UP_TO = 512  # tokens up to which a map is worked out at once
LINEAR_UP_TO = 32  # tokens up to which the first sight has linear colours


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    longest = max(e.shape[2] for e in recording.entries() if e.kind in ("query", "attention"))
    scales = (("log", "logarithmic"), ("linear", "0 to 1"))
    pooling = (("max", "strongest link"), ("mean", "mean"))
    return (
        Choice(
            "scale",
            "Colours",
            "linear" if longest <= LINEAR_UP_TO else "log",
            choices=scales,
            help="Logarithmic colours show faint weights of long texts.",
        ),
        Choice(
            "pooling", "Long texts", "max", choices=pooling, help="How cells of a long map are put together."
        ),
        *site_controls(recording),
    )


def _draw(
    subject: Subject, *, theme: str, scale: str, pooling: str, sample: int = 0, call: Any = ALL_CALLS
) -> go.Figure:
    recording = subject.recorded()
    opened = [AttentionSite.of(recording, site, sample, call=call) for site in running(recording, call)]
    side = tile_side(len(opened) * max(here.heads for here in opened))
    maps = [_site(here, side, pooling) for here in opened]
    count = sum(map(len, maps))
    return figures.attention_heads(
        maps,
        sites=[here.site for here in opened],
        side=side,
        logarithmic=scale == "log",
        theme=theme,
        title=f"{count:,} heads, {max(here.shape[1] for here in opened):,} tokens",
    )


def _site(here: AttentionSite, side: int, pooling: str) -> list[HeadMap]:
    """Maps of all heads of a site; where they are small enough to be whole, masks are worked out once."""
    how: Pooling = "max" if pooling == "max" else "mean"
    if max(here.shape) > WHOLE_UP_TO:
        return [_long_head(here, head, side, how=how) for head in range(here.heads)]
    rows = np.arange(here.shape[0])
    may, maps = here.allowed(rows), []
    for head in range(here.heads):
        whole = here.weights(head, rows)
        overview = pooled(partial(np.take, whole, axis=0), partial(np.take, may, axis=0), here.shape,
                          size=side, how=how, rows_at_once=WHOLE_UP_TO)  # fmt: skip
        maps.append(HeadMap(overview, _mean(entropy(whole))))
    return maps


def _long_head(here: AttentionSite, head: int, side: int, *, how: Pooling) -> HeadMap:
    overview = pooled(
        partial(here.weights, head), here.allowed, here.shape, size=side, how=how, rows_at_once=256
    )
    some = np.unique(np.linspace(0, here.shape[0] - 1, MOST_ROWS_SAID).astype(int))
    return HeadMap(overview, _mean(entropy(here.weights(head, some))))


def _mean(values: Any) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


attention_heads = View(
    name="attention_heads",
    title="All heads",
    question="What kinds of looking do the heads of this model share out among themselves?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
