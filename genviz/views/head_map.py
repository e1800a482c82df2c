"""What each head is for, as a map of layers and heads, sorted by a chosen measure."""

from typing import Any

import plotly.graph_objects as go

from genviz.analysis.heads import MEASURES, NO_REPEAT, NO_TOKENS
from genviz.figures import head_map as figures
from genviz.figures.head_map import Scale, ScoredSite
from genviz.views.attending import ALL_CALLS, head_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.head_scores import SiteScores, head_scores
from genviz.views.repeating import can_repeat, repeated
from genviz.views.subject import Subject

TEXT, TWICE = "text", "twice"
_ADVICE = {
    NO_REPEAT: "Take a text in which a word comes twice, or record a random sequence that is said twice: "
    "model.record([ids, ids again]).",
    NO_TOKENS: "Give tokens= or tokenizer= to genviz.record().",
}
_LIVE_ADVICE = "Choose “random tokens, twice” beside: the model reads them at once."


def _controls(subject: Subject) -> tuple[Control, ...]:
    measures = tuple((name, measure.title) for name, measure in MEASURES.items())
    own: list[Control] = [
        Choice("measure", "Sorted by", "entropy", choices=measures, help="What the colour and the list say."),
    ]
    if can_repeat(subject):
        texts = ((TEXT, "this text"), (TWICE, "random tokens, twice"))
        told = "Random tokens said twice show induction without any help from meaning."
        own.append(Choice("on", "Measured on", TEXT, choices=texts, help=told))
    return (*own, *head_controls(subject))


def _draw(
    subject: Subject, *, theme: str, measure: str, site: str, head: int, sample: int = 0,
    call: Any = ALL_CALLS, on: str = TEXT,
) -> go.Figure:  # fmt: skip
    if on == TWICE:
        scored = head_scores(repeated(subject), 0, ALL_CALLS)
    else:
        scored = head_scores(subject.recorded(), sample, call)
    chosen = MEASURES[measure]
    return figures.head_map(
        [
            ScoredSite(each.site, each.values[measure], each.even[measure], each.why[measure])
            for each in scored
        ],
        Scale(chosen.title, chosen.unit, chosen.low, advice=_advice(scored, measure, subject)),
        chosen=(site, head),
        title=f"{chosen.title}: {chosen.meaning}" + (", on random tokens said twice" if on == TWICE else ""),
        note=_note(scored, measure),
        theme=theme,
    )  # fmt: skip


def _advice(scored: list[SiteScores], measure: str, subject: Subject) -> str:
    reasons = [each.why[measure] for each in scored if each.why[measure] in _ADVICE]
    if NO_REPEAT in reasons and can_repeat(subject):
        return _LIVE_ADVICE
    return _ADVICE[reasons[0]] if reasons else ""


def _note(scored: list[SiteScores], measure: str) -> str:
    said = []
    reasons = {each.why[measure]: each.site for each in scored if each.why[measure]}
    if len(reasons) and any(not each.why[measure] for each in scored):
        said.append(f"Grey: nothing to say ({'; '.join(reasons)}).")
    even = [each.even[measure] for each in scored if not each.why[measure]]
    if even:
        low, high = min(even), max(even)
        span = f"{low:.2g}" if high - low < 0.005 else f"{low:.2g} … {high:.2g}"
        said.append(f"A head that looks evenly at all it may see: {span}.")
    rows = min((each.rows for each in scored), key=lambda pair: pair[0] / pair[1])
    if rows[0] < rows[1]:
        said.append(f"From {rows[0]:,} of {rows[1]:,} rows, evenly spaced.")
    return " ".join(said)


head_map = View(
    name="head_map",
    title="What heads are for",
    question="Which heads look at the token before, at repeats, at the first token, or at everything?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
