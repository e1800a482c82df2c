"""All heads of all layers at once."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.attention import entropy
from genviz.analysis.pooling import Pooling, pooled_rows
from genviz.figures import attention_heads as figures
from genviz.figures.attention_heads import HeadMap, tile_side
from genviz.figures.attention_matrix import every
from genviz.views.attending import ALL_CALLS, site_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.head_scores import running
from genviz.views.looking import LEFT_OUT, Looked, look_controls, pooling_control
from genviz.views.subject import Subject

SAID = 2**23  # cells, over all heads, from which the mean entropies of long maps are taken
WHOLE_UP_TO = 512  # tokens up to which a map is worked out at once
AT_ONCE = 2**27  # cells of all heads that are worked out; beyond, a sample of the rows stands for all
LINEAR_UP_TO = 32  # tokens up to which the first sight has linear colours


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    found = [entry for entry in recording.entries() if entry.kind in ("query", "attention")]
    longest = max(entry.shape[2] for entry in found)
    side = tile_side(len({entry.site for entry in found}) * (1 + max(entry.shape[1] for entry in found)))
    scales = (("log", "logarithmic"), ("linear", "0 to 1"))
    return (
        Choice(
            "scale",
            "Colours",
            "linear" if longest <= LINEAR_UP_TO else "log",
            choices=scales,
            help="Logarithmic colours show faint weights of long texts.",
        ),
        *pooling_control(side, longest),
        *site_controls(recording),
        *look_controls(subject),
    )


def _draw(
    subject: Subject, *, theme: str, scale: str, sample: int = 0, call: Any = ALL_CALLS,
    pooling: Pooling = "max", **look: Any,
) -> go.Figure:  # fmt: skip
    recording = subject.recorded()
    opened = [
        Looked.of(recording, site, sample, call=call, look=look) for site in running(recording, call)
    ]  # fmt: skip
    side = tile_side(len(opened) * (1 + max(here.heads for here in opened)))
    count = sum(here.heads for here in opened)
    maps = [_site(here, side, pooling, count=count) for here in opened]
    return figures.attention_heads(
        [each.heads for each in maps],
        means=[each.mean for each in maps],
        sites=[here.site for here in opened],
        side=side,
        logarithmic=scale == "log",
        threshold=opened[0].threshold,
        theme=theme,
        title=f"{count:,} heads, {max(here.shape[1] for here in opened):,} tokens",
        note=" ".join([_sampled(maps[0].heads[0]), _note(opened[0])]).strip(),
    )


@dataclass(frozen=True)
class _Maps:
    heads: list[HeadMap]
    mean: HeadMap | None


def _site(here: Looked, side: int, how: Pooling, *, count: int) -> _Maps:
    """Maps of all heads of a site; where they are small enough to be whole, masks are worked out once."""
    if max(here.shape) > WHOLE_UP_TO:
        long = partial(_long_head, here, _rows(here, side, count), side=side, how=how)
        said = int(np.clip(SAID // (count * here.shape[1]), 8, 256))
        return _Maps([long(head, said=said) for head in range(here.heads)], None)
    rows = np.arange(here.shape[0])
    may, total, maps = here.allowed(rows), np.zeros(here.shape), []
    for head in range(here.heads):
        whole = here.weights(head, rows)
        total += whole
        maps.append(_whole(whole, may, side, how))
    return _Maps(
        maps, _whole((total / here.heads).astype(np.float32), may, side, how) if len(maps) > 1 else None
    )


def _whole(whole: Any, may: Any, side: int, how: Pooling) -> HeadMap:
    rows, keys = map(range, whole.shape)
    take = partial(np.take, whole, axis=0), partial(np.take, may, axis=0)
    return HeadMap(pooled_rows(*take, rows=rows, keys=keys, size=side), _mean(entropy(whole)), how)


def _rows(here: Looked, side: int, count: int) -> range:
    """Rows that a small map is worked out from: all, or an even sample where that were too much."""
    queries, keys = here.shape
    if count * here.work(0, range(queries), range(keys)) <= AT_ONCE:
        return range(queries)
    step = -(-queries // min(side, max(16, AT_ONCE // (count * keys))))
    return range(step // 2, queries, step)


def _long_head(here: Looked, rows: range, head: int, *, side: int, how: Pooling, said: int) -> HeadMap:
    some = np.unique(np.linspace(0, here.shape[0] - 1, said).astype(int))
    return HeadMap(here.overview(head, rows=rows, size=side), _mean(entropy(here.weights(head, some))), how)


def _sampled(head: HeadMap) -> str:
    """Say that a map does not hold every row."""
    step = head.overview.rows.step
    return f"From {every(step)} row of each head; a click on one shows it whole." if step > 1 else ""


def _note(here: Looked) -> str:
    """What is left out; how much that is of a head, its own picture says."""
    parts = [f"Left out: {LEFT_OUT[here.leave_out]}."] if here.leave_out in LEFT_OUT else []
    parts += ["Subwords are put together."] if here.by_words else []
    parts += [f"Blank: weights below {here.threshold:g}."] if here.threshold else []
    return " ".join(parts)


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
