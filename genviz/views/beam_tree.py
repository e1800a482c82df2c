"""Beam search as a tree to walk through, with greedy's path in it."""

from typing import Any

import plotly.graph_objects as go

from genviz.analysis.beams import Tree
from genviz.figures import beam_tree as figures
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number, Step, Text
from genviz.views.subject import Subject
from genviz.views.writing import SPLIT, first_prompt

MOST_BEAMS, LONGEST = 8, 32
EARLY: dict[str, bool | str] = {"guess": False, "full": True, "sure": "never"}


def _controls(subject: Subject) -> tuple[Control, ...]:
    early = (
        ("guess", "when no beam leads at its length"),
        ("full", "at as many sentences as beams"),
        ("sure", "when none could get in any more"),
    )
    windows = (("7", "7 steps, with words"), ("16", "16 steps"), ("0", "all steps"))
    return (
        Text("prompt", "Prompt", first_prompt(subject), longest=2000,
             help="What the model goes on from; a translator answers it."),
        Number("beams", "Beams", 4, minimum=1, maximum=MOST_BEAMS,
               help="Hypotheses that go on at each step; 1 goes where greedy goes."),
        Number("length_penalty", "Length penalty", 1, minimum=-1, maximum=3, step=0.1,
               help="Log-probabilities are divided by the length to this power: 0 favours short sentences."),
        Number("longest", "Longest answer", 20, minimum=1, maximum=LONGEST,
               help="Tokens after which every hypothesis ends."),
        Text("stop", "Stop at", SPLIT.join(_defaults(subject).get("stop") or ()), longest=80,
             help=f"Texts at which a sentence ends, separated by {SPLIT}."),
        Choice("early", "Search ends", "guess", choices=early,
               help="Once as many sentences as beams are finished (early_stopping: False, True, never)."),
        Choice("window", "Shown", "7", choices=windows, help="How many steps are drawn at once."),
        Step("step", "Step", LONGEST, minimum=0, maximum=LONGEST,
             help="Tokens written by now; each step was worked out before, so it plays at once."),
    )  # fmt: skip


def _defaults(subject: Subject) -> dict[str, Any]:
    return dict(subject.info.get("defaults") or {})


def _draw(
    subject: Subject, *, theme: str, prompt: str, beams: int, length_penalty: float, longest: int, stop: str,
    early: str, window: str, step: int,
) -> go.Figure:  # fmt: skip
    found = ask_plainly(
        subject, "beam_search", prompt=prompt, beams=int(beams), max_new=int(longest),
        length_penalty=float(length_penalty), early_stopping=EARLY[early],
        stop=[each for each in stop.split(SPLIT) if each],
    )  # fmt: skip
    sentences = {int(node): text for node, text in found["sentences"].items()}
    searched = figures.Searched(Tree.from_json(found), found["names"], sentences, prompt)
    return figures.beam_tree(searched, step=int(step), window=int(window), theme=theme)


beam_tree = View(
    name="beam_tree",
    title="Beam search",
    question="Which sentence is the most probable, and does greedy find it?",
    needs=("live.beam_search",),
    controls=_controls,
    draw=_draw,
)
