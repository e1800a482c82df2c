"""What a predicted word rests on: integrated gradients, occlusion, and attention beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import GenvizError, NotCaptured
from genviz.figures import input_attribution as figures
from genviz.recording import Recording
from genviz.views.base import StandIn, View
from genviz.views.controls import Choice, Control
from genviz.views.said_word import ask_of_word, word_controls
from genviz.views.stream import at_most, sides, words_of
from genviz.views.subject import Subject

BASELINES = (
    ("auto", "best there is"), ("mask", "mask token"), ("unk", "unknown token"), ("pad", "padding token"),
    ("mean", "mean vector"), ("zero", "zeros"),
)  # fmt: skip

TOLERANCES = ((0.05, "5 %"), (0.01, "1 %"), (0.001, "0.1 %"))
MEASURES = (("all", "all three"), ("attention", "attention alone"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    said = "What stands for a word of which nothing is known."
    there = (subject.info.get("defaults") or {}).get("baselines", ("auto", "mean", "zero"))
    choices = tuple(each for each in BASELINES if each[0] in there)
    finer = "Until integrated gradients sum to the change of the logit within this share of it."
    return word_controls(
        subject,
        Choice("baseline", "Instead of a word", "auto", choices=choices, help=said),
        Choice("tolerance", "Exact within", 0.05, choices=TOLERANCES, help=finer),
        Choice("measures", "Measures", "all", choices=MEASURES, help="Attention is there at once."),
    )


def _draw(
    subject: Subject, *, theme: str, position: int, word: str, baseline: str, tolerance: float, measures: str,
    sample: int = 0,
) -> go.Figure:  # fmt: skip
    recording = subject.recorded()
    if measures == "attention":
        found = _not_asked(recording, position, sample)
    else:
        found = ask_of_word(
            subject, "input_attribution", position=position, word=word, sample=sample, baseline=baseline,
            tolerance=tolerance,
        )  # fmt: skip
    attention, why = None, ""
    try:
        attention = mean_attention(recording, found["sides"], found["position"], sample=sample)
    except GenvizError as error:
        why = str(error)
    return figures.input_attribution(found, attention, no_attention=why, theme=theme)


def _not_asked(recording: Recording, position: int, sample: int) -> dict[str, Any]:
    """The words alone, as far as the recording tells them: what the encoder reads, then what the decoder."""
    read = sides(recording)
    words = {name: words_of(recording, name, sample) for name in reversed(read)} or {
        "tokens": words_of(recording, sample=sample)
    }
    return {
        "words": [word for each in words.values() for word in each],
        "sides": [name for name, each in words.items() for _ in each],
        "position": at_most(position, words[read[0] if read else "tokens"]),
    }


def _sooner(_: Subject, values: Mapping[str, Any]) -> StandIn | None:
    says = "Attention alone, while words are left out and gradients followed"
    return StandIn({"measures": "attention"}, says) if values["measures"] == "all" else None


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
    sooner=_sooner,
)
