"""What a predicted word rests on: integrated gradients, occlusion, and attention beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import GenvizError, NotCaptured
from genviz.figures import input_attribution as figures
from genviz.recording import Recording
from genviz.views.asking import ask, sample_control
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.logit_lens import word_control
from genviz.views.stream import at_most, position_control, sides, words_of
from genviz.views.subject import Subject

BASELINES = (
    ("auto", "best there is"), ("mask", "mask token"), ("unk", "unknown token"), ("pad", "padding token"),
    ("mean", "mean vector"), ("zero", "zeros"),
)  # fmt: skip


def _controls(subject: Subject) -> tuple[Control, ...]:
    said = "What stands for a word of which nothing is known."
    there = (subject.info.get("defaults") or {}).get("baselines", ("auto", "mean", "zero"))
    choices = tuple(each for each in BASELINES if each[0] in there)
    return (
        position_control(subject),
        word_control(),
        Choice("baseline", "Instead of a word", "auto", choices=choices, help=said),
        *sample_control(subject.recorded()),
    )


def _draw(
    subject: Subject, *, theme: str, position: int, word: str, baseline: str, sample: int = 0
) -> go.Figure:
    recording = subject.recorded()
    words = words_of(recording, next(iter(sides(recording)), ""), sample)
    found: dict[str, Any] = ask(
        subject,
        "input_attribution",
        sample=sample,
        position=at_most(position, words),
        word=word.strip() or None,
        baseline=baseline,
    )
    attention, why = None, ""
    try:
        attention = mean_attention(recording, found["sides"], found["position"], sample=sample)
    except GenvizError as error:
        why = str(error)
    return figures.input_attribution(found, attention, no_attention=why, theme=theme)


def mean_attention(
    recording: Recording, of: Sequence[str], position: int, *, sample: int = 0
) -> NDArray[np.float64]:
    """Weights from one place to every word, the mean of all heads of all layers that look there.

    Parameters
    ----------
    recording : Recording
    of : sequence of str
        Which list of tokens each word is from; of an encoder–decoder the decoder looks at both.
    position : int
        Of the token that looks.
    sample : int

    Raises
    ------
    NotCaptured
        When no attention from there was recorded.
    """
    two = len(set(of)) > 1
    rows: dict[str, list[NDArray[np.float64]]] = {}
    for site in recording.sites(kind="attention"):
        entry = next(e for e in recording.entries(site) if e.kind in ("query", "attention"))
        named = entry.attrs.get("tokens", {})
        if two and named.get("query") != "target_tokens":
            continue
        weights = recording.attention(site, sample=sample, query=position).values
        key = str(named.get("key", "tokens")) if two else "tokens"
        rows.setdefault(key, []).append(
            np.asarray(weights, np.float64).reshape(-1, weights.shape[-1]).mean(0)
        )
    if not rows:
        raise NotCaptured("no attention was captured: record with all kinds, or with 'attention' among them")
    made = {key: np.mean([row[: of.count(key)] for row in found], axis=0) for key, found in rows.items()}
    return np.concatenate([made.get(key, np.full(of.count(key), np.nan)) for key in dict.fromkeys(of)])


input_attribution = View(
    name="input_attribution",
    title="What the word rests on",
    question="Which words that went in raise the score of the predicted word?",
    needs=("logits|top_logits", "live.input_attribution"),
    controls=_controls,
    draw=_draw,
)
