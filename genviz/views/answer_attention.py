"""Where the model looked when it chose a word of its answer: every layer, back to the prompt."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import answer_attention as figures
from genviz.recording import Recording
from genviz.views import writing
from genviz.views.asking import ask_plainly
from genviz.views.attended_tokens import token_list
from genviz.views.attending import AttentionSite
from genviz.views.base import View
from genviz.views.controls import Control, Number
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *writing.controls(subject),
        Number("looking", "Head (0: mean of all)", 0, minimum=0, maximum=_heads(subject),
               help="Of each layer: the mean of its heads is an overview, which the model never uses."),
    )  # fmt: skip


def _heads(subject: Subject) -> int:
    found = (subject.info.get("facts") or {}).get("n_heads")
    return int(found) if found else 1


def _draw(subject: Subject, *, theme: str, step: int, sample: int, looking: int, **values: Any) -> go.Figure:
    result = writing.answered(subject, values)
    answer = result["samples"][min(int(sample), len(result["samples"]) - 1)]
    step = min(int(step), len(answer["ids"]) - 1)
    prompt = writing.asked(values)["prompt"]
    recording: Recording = ask_plainly(subject, "record_answer", prompt=prompt, answer=answer["ids"])
    parts = _parts(recording, step, int(looking))
    return figures.answer_attention(
        parts,
        list(map(str, result["prompt"]["tokens"])),
        list(map(str, answer["tokens"])),
        step,
        title=f"{'mean of all heads' if not looking else f'head {int(looking) - 1}'} in each layer",
        theme=theme,
    )


def _parts(recording: Recording, step: int, looking: int) -> list[figures.Part]:
    """Rows of weights of the last query before the word, per site; keys are those of the whole text."""
    two_sided = any(token_list(_site(recording, site, 0), "key") == "target_tokens"
                    for site in recording.sites(kind="attention"))  # fmt: skip
    found: list[figures.Part] = []
    for site in recording.sites(kind="attention"):
        here = _site(recording, site, 0)
        if two_sided and token_list(here, "query") != "target_tokens":
            continue  # the encoder's own
        here = _site(recording, site, step)
        last = np.array([here.shape[0] - 1])
        heads = range(here.heads) if not looking else [min(looking - 1, here.heads - 1)]
        weights = np.mean([here.weights(head, last)[0] for head in heads], axis=0)
        # What an encoder–decoder has written is not its prompt, and has keys of its own.
        own = two_sided and token_list(here, "key") == "target_tokens"
        found.append(figures.Part(site, np.asarray(weights, np.float64), own))
    if not found:
        why = next((m.reason for m in recording.missing), "no attention was found")
        raise NotCaptured(f"no attention was captured while the answer was written: {why}")
    return found


def _site(recording: Recording, site: str, step: int) -> AttentionSite:
    calls = recording.attention_reader(site).calls
    return AttentionSite.of(recording, site, 0, call=calls[min(step, len(calls) - 1)])


answer_attention = View(
    name="answer_attention",
    title="Where it looked",
    question="Which words did the model look at when it chose this one?",
    needs=("live.record_answer",),
    controls=_controls,
    draw=_draw,
)
