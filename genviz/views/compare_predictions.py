"""Where two runs expect another word to come next."""

import plotly.graph_objects as go

from genviz.figures import differences as figures
from genviz.figures.differences import Guess
from genviz.figures.text import token
from genviz.views.asking import vocabulary
from genviz.views.base import View
from genviz.views.comparing import compare_controls, pair_of
from genviz.views.predicted import Predicted
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str, other: str, second: str = "", cut: bool = False) -> go.Figure:
    pair = pair_of(subject, other, second, cut=cut)
    one, another = (Predicted.of(each) for each in (pair.first, pair.second))
    at = pair.common(one.words, another.words)
    names = vocabulary(subject, sorted({int(each) for side in (one, another) for each in side.ids.ravel()}))
    guesses = [(_guess(one, int(a), names), _guess(another, int(b), names)) for a, b in zip(*at, strict=True)]
    lost = max(len(one.words), len(another.words)) - len(at[0])
    note = f"{lost} tokens that only one of the texts has are left out." if lost else ""
    return figures.predictions(
        guesses, words=[one.words[int(n)] for n in at[0]], names=pair.names, note=note, theme=theme
    )


def _guess(side: Predicted, at: int, names: dict[int, str]) -> Guess:
    return Guess([token(names[int(each)]) for each in side.ids[at]], side.probabilities[at].tolist())


compare_predictions = View(
    name="compare_predictions",
    title="Next words",
    question="After which tokens do the two runs expect another word?",
    needs=("logits|top_logits", "live.tokenize|beside"),
    controls=compare_controls,
    draw=_draw,
)
