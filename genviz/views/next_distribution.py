"""What a word of an answer was drawn from: the model's distribution, and what the settings left of it."""

from typing import Any

import plotly.graph_objects as go

from genviz.analysis.decoding import decode, likeliest
from genviz.figures import next_distribution as figures
from genviz.views import writing
from genviz.views.asking import ask_plainly, vocabulary
from genviz.views.base import View
from genviz.views.subject import Subject

SHOWN = 12  # words with a bar each
LISTED = 10  # excluded words that are named


def _draw(subject: Subject, *, theme: str, step: int, sample: int, **values: Any) -> go.Figure:
    asked = writing.asked(values)
    result = writing.answered(subject, values)
    answer = result["samples"][min(int(sample), len(result["samples"]) - 1)]
    step = min(int(step), len(answer["ids"]) - 1)
    told = ask_plainly(subject, "next_scores", prompt=asked["prompt"], answer=answer["ids"][:step])
    settings = writing.settings_of(values, _banned(result))
    forced = {int(at): word for at, word in result["forced"].items()}.get(step)
    found = decode(told["logits"], told["earlier"], settings, forced=forced)
    word = int(answer["ids"][step])
    ids = likeliest(found, SHOWN)[:SHOWN].tolist()
    gone = [each for each in likeliest(found, 4 * LISTED).tolist() if found.excluded_by[each]]
    names = vocabulary(subject, sorted({*ids, *gone, word}))
    return figures.next_distribution(
        found,
        figures.Looked(
            names=names, ids=ids if word in ids else [*ids[:-1], word], word=word, excluded=gone[:LISTED],
            before=[*told["tokens"]["prompt"], *told["tokens"]["answer"]], step=step,
        ),
        settings,
        theme=theme,
    )  # fmt: skip


def _banned(result: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(each) for each in word) for word in result["banned"])


next_distribution = View(
    name="next_distribution",
    title="What the word was drawn from",
    question="Which words could have come here, and what did temperature, top k and top p leave of them?",
    needs=("live.generate",),
    controls=writing.controls,
    draw=_draw,
)
