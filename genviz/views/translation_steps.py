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
from genviz.views.controls import Choice, Control, Number, Step
from genviz.views.predicted import Predicted
from genviz.views.subject import Subject

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
        Step("step", "Step", here.shape[0] - 1, minimum=0, maximum=here.shape[0] - 1,
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
    here = AttentionSite.of(subject.recorded(), layer, sample, call=ALL_CALLS)
    target, source = (list(map(str, side)) for side in here.names)
    following, why = _following(subject, here.shape[0], sample)
    shown = f"mean of {here.heads} heads" if looking == MEAN else f"head {looking}"
    return figures.translation_steps(
        figures.Written(source, target, _weights(here, looking), following),
        min(int(step), here.shape[0] - 1),
        title=f"{layer} · {shown}",
        note=why,
        theme=theme,
    )


def _weights(here: AttentionSite, looking: str) -> NDArray[np.float64]:
    heads, rows = range(here.heads) if looking == MEAN else [int(looking)], np.arange(here.shape[0])
    return np.asarray(np.mean([here.weights(head, rows) for head in heads], axis=0, dtype=np.float64))


def _following(subject: Subject, steps: int, sample: int) -> tuple[list[list[tuple[str, float]]], str]:
    """Likeliest next words at each step, and why there are none where there are none."""
    try:
        predicted = Predicted.of(subject.recorded(), sample)
    except NotCaptured as error:
        return [[] for _ in range(steps)], f"Next words are not shown: {error}"
    known = min(steps, len(predicted.ids))
    ids = [predicted.ids[step].tolist() for step in range(known)]
    names = vocabulary(subject, list(dict.fromkeys(each for row in ids for each in row)))
    chances = [predicted.probabilities[step].tolist() for step in range(known)]
    found = [[(names[each], chance) for each, chance in zip(*row, strict=True)]
             for row in zip(ids, chances, strict=True)]  # fmt: skip
    why = f"Next words are shown at the first {known} steps: no more were recorded." if known < steps else ""
    return [*found, *([] for _ in range(steps - known))], why


translation_steps = View(
    name="translation_steps",
    title="Translation, step by step",
    question="Where does each step of the translation look, and which word does it write?",
    needs=("cross_attention",),
    controls=_controls,
    draw=_draw,
)
