"""Who may look at whom: the mask rule of a layer in words and as a picture."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.masking import Codes, Reason, bias_of, in_words, reasons
from genviz.attention import AttentionInputs
from genviz.errors import NotCaptured
from genviz.figures import attention_mask as figures
from genviz.recording import Recording
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls
from genviz.views.base import View
from genviz.views.subject import Subject

CELLS = 128  # rows and columns that are drawn; of longer texts every n-th
_READ_OFF = (
    "The model computes its own softmax here, so its mask was not seen: read off the weights that are zero "
    "in every head."
)


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, sample: int = 0, call: Any = ALL_CALLS
) -> go.Figure:
    recording = subject.recorded()
    here = AttentionSite.of(recording, site, sample, call=call)
    rows, columns = (np.arange(0, side, -(-side // CELLS)) for side in here.shape)
    parts = _parts(here)
    codes, bias = _codes(here, parts, rows, head)
    words = in_words(parts[-1][1]) if parts else [_READ_OFF]
    step = max(-(-side // CELLS) for side in here.shape)
    more = [f"Of {max(here.shape):,} tokens, one in {step} is drawn."] if step > 1 else []
    return figures.attention_mask(
        codes[:, columns],
        places=(rows, columns),
        queries=[here.names[0][at] for at in rows],
        keys=[here.names[1][at] for at in columns],
        bias=None if bias is None else bias[:, columns],
        title=f"{site or 'model'} · " + words[0].split(":")[0].rstrip("."),
        note=" ".join([*words, *more, *_others(recording, site, words)]),
        theme=theme,
    )


def _parts(here: AttentionSite) -> list[tuple[int, AttentionInputs]]:
    """First row and inputs of each call; nothing where the model computed the weights itself."""
    calls = here.reader.calls if here.call is None else (here.call,)
    try:
        found = [here.reader.inputs(call) for call in calls]
    except NotCaptured:
        return []
    starts = np.cumsum([0, *(part.shape[0] for part in found)])
    return [(int(start), part) for start, part in zip(starts, found, strict=False)]


def _codes(
    here: AttentionSite, parts: list[tuple[int, AttentionInputs]], rows: NDArray[np.int64], head: int
) -> tuple[Codes, NDArray[np.float32] | None]:
    """Reasons and, where there is one, the bias of some rows of all calls together."""
    if not parts:
        return np.where(here.allowed(rows), Reason.VISIBLE, Reason.ZERO).astype(np.uint8), None
    codes = np.full((len(rows), here.shape[1]), Reason.LATER, np.uint8)
    added = np.zeros(codes.shape, np.float32)
    for first, part in parts:
        inside = (rows >= first) & (rows < first + part.shape[0])
        if inside.any():
            local, keys = rows[inside] - first, part.shape[1]
            codes[inside, :keys] = reasons(part, local, head)
            bias = bias_of(part, local, head)
            added[inside, :keys] = 0 if bias is None else bias
    visible = added[codes == Reason.VISIBLE]
    return codes, added if np.any(visible) else None


def _others(recording: Recording, site: str, words: list[str]) -> list[str]:
    """Layers whose mask is another one, as in models that take turns between windows and all."""
    unlike = []
    for other in recording.sites(kind="attention"):
        reader = recording.attention_reader(other)
        try:
            if other != site and in_words(reader.inputs(max(reader.calls))) != words:
                unlike.append(other)
        except NotCaptured:
            continue
    if not unlike:
        return []
    shown = ", ".join(unlike[:3]) + (f" and {len(unlike) - 3} more" if len(unlike) > 3 else "")
    return [f"Masked otherwise: {shown}."]


attention_mask = View(
    name="attention_mask",
    title="Mask",
    question="Which tokens may a token look at, and what forbids the others?",
    needs=("attention",),
    controls=head_controls,
    draw=_draw,
)
