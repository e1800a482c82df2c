"""Where in a picture a vision transformer looks."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import attention_patches as figures
from genviz.recording import Entry, Recording
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls, longest
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.subject import Subject

SHOWN = (("mean", "mean of heads"), ("one", "this head"))


def _picture(recording: Recording) -> Entry:
    return next(entry for entry in recording.entries(kind="sample") if "grid" in entry.attrs)


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    return (
        *head_controls(subject),
        Choice("heads", "Show", "mean", choices=SHOWN, help="The mean of all heads, or the head chosen."),
        Number("token", "Query token", 0, minimum=0, maximum=longest(recording) - 1,
               help="Which token looks; the class token, where there is one, is 0."),
    )  # fmt: skip


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, heads: str, token: int, sample: int = 0,
    call: Any = ALL_CALLS,
) -> go.Figure:  # fmt: skip
    recording = subject.recorded()
    here = AttentionSite.of(recording, site, sample, call=call)
    entry = _picture(recording)
    rows, columns = (int(side) for side in entry.attrs["grid"])
    extra = here.shape[1] - rows * columns
    if extra < 0:
        raise NotCaptured(
            f"{site!r} attends to {here.shape[1]} tokens, and the picture has {rows} × {columns} patches: "
            "which token is which patch cannot be told (attention in windows, or patches put together)"
        )
    token = min(int(token), here.shape[0] - 1)
    chosen = range(here.heads) if heads == "mean" else [head]
    row = np.mean([here.weights(each, np.array([token]))[0] for each in chosen], axis=0)
    who = f"token {token} (no patch)" if token < extra else f"patch {token - extra}"
    shown = f"mean of {here.heads} heads" if heads == "mean" else f"head {head}"
    many = f"{extra} token{'s' * (extra > 1)} before the patches (class token, registers). "
    before = f"{float(row[:extra].sum()):.1%} of the weight goes to {many}" if extra else ""
    return figures.attention_patches(
        row[extra:].reshape(rows, columns),
        entry.load()[sample].astype(np.float32),
        query=token - extra if token >= extra else None,
        title=f"{site} · {shown} · {who} looks",
        note=before + "The picture is shown from its smallest to its largest value.",
        theme=theme,
    )


attention_patches = View(
    name="attention_patches",
    title="Attention on the picture",
    question="At which patches of the picture does a token look?",
    needs=("attention", "patches"),
    controls=_controls,
    draw=_draw,
)
