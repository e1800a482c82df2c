"""A translation step by step: where each looks in the source, and which word may come next."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.figures import translation_steps as figures
from genviz.recording import Recording
from genviz.views.asking import vocabulary
from genviz.views.attended_tokens import crossed
from genviz.views.attending import ALL_CALLS, AttentionSite
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.predicted import Predicted
from genviz.views.subject import Subject

ROWS = 24  # steps that are shown at once
MEAN = "mean"


def cross_sites(recording: Recording) -> list[str]:
    """Sites whose queries stand in the target and whose keys stand in the source."""
    found = []
    for site in recording.sites(kind="attention"):
        reader = recording.attention_reader(site)
        if crossed(AttentionSite(reader, reader.calls[0])):
            found.append(site)
    return found


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    sites = _required(recording)
    here = AttentionSite.of(recording, sites[-1], 0, call=ALL_CALLS)
    heads = ((MEAN, "mean of heads"), *((str(at), f"head {at}") for at in range(here.heads)))
    samples = max(entry.shape[0] for entry in recording.entries() if entry.kind in ("query", "attention"))
    found: list[Control] = [
        Number("step", "Step", here.shape[0] - 1, minimum=0, maximum=here.shape[0] - 1,
               help="How many words have been written; at each step the decoder reads them and writes one."),
        Choice("layer", "Cross-attention", sites[-1], choices=tuple((site, site) for site in sites),
               help="Of which layer of the decoder."),
        Choice("looking", "Heads", MEAN, choices=heads,
               help="The mean is an overview: the model never uses it, it mixes its heads by W_O."),
    ]  # fmt: skip
    if samples > 1:
        found.append(Number("sample", "Sample", 0, minimum=0, maximum=samples - 1, help="Item of the batch."))
    return tuple(found)


def _required(recording: Recording) -> list[str]:
    sites = cross_sites(recording)
    if not sites:
        raise NotCaptured(
            "no cross-attention was captured: this view shows how an encoder–decoder reads its source"
        )
    return sites


def _draw(subject: Subject, *, theme: str, step: int, layer: str, looking: str, sample: int = 0) -> go.Figure:
    recording = subject.recorded()
    here = AttentionSite.of(recording, layer, sample, call=ALL_CALLS)
    step = min(int(step), here.shape[0] - 1)
    first = max(0, step - ROWS + 1)
    rows = np.arange(first, min(here.shape[0], first + ROWS))
    target, source = (list(map(str, side)) for side in here.names)
    following, why = _following(subject, step, sample)
    shown = f"mean of {here.heads} heads" if looking == MEAN else f"head {looking}"
    return figures.translation_steps(
        _weights(here, looking, rows),
        figures.Written(source, target, step, first),
        following=following,
        title=f"Step {step} of {here.shape[0] - 1} · {layer} · {shown}",
        note=why,
        theme=theme,
    )


def _weights(here: AttentionSite, looking: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    heads = range(here.heads) if looking == MEAN else [int(looking)]
    return np.asarray(np.mean([here.weights(head, rows) for head in heads], axis=0, dtype=np.float64))


def _following(subject: Subject, step: int, sample: int) -> tuple[list[tuple[str, float]], str]:
    """Likeliest next words, or why there are none."""
    try:
        predicted = Predicted.of(subject.recorded(), sample)
    except NotCaptured as error:
        return [], f"Next words are not shown: {error}"
    if step >= len(predicted.ids):
        return [], f"Next words are not shown: predictions were recorded at {len(predicted.ids)} places only."
    ids = predicted.ids[step].tolist()
    names = vocabulary(subject, ids)
    return [(names[each], chance) for each, chance in
            zip(ids, predicted.probabilities[step].tolist(), strict=True)], ""  # fmt: skip


translation_steps = View(
    name="translation_steps",
    title="Translation, step by step",
    question="Where does each step of the translation look, and which word does it write?",
    needs=("cross_attention",),
    controls=_controls,
    draw=_draw,
)
