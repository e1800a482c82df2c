"""Beam search as a tree to walk through, with greedy's path in it."""

import plotly.graph_objects as go

from genviz.analysis.beams import Tree
from genviz.figures import beam_tree as figures
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number, Step, Text
from genviz.views.subject import Subject
from genviz.views.writing import SPLIT, prompt_control, stops

MOST_BEAMS, LONGEST = 8, 32
EARLY: dict[str, bool | str] = {"guess": False, "full": True, "sure": "never"}


def _controls(subject: Subject) -> tuple[Control, ...]:
    told = dict(subject.info.get("defaults") or {})
    early = (
        ("guess", "when no beam leads at its length"),
        ("full", "at as many sentences as beams"),
        ("sure", "when none could get in any more"),
    )
    windows = (("7", "7 steps, with words"), ("16", "16 steps"), ("0", "all steps"))
    return (
        prompt_control(subject),
        Number("beams", "Beams", 4, minimum=1, maximum=MOST_BEAMS,
               help="Hypotheses that go on at each step; 1 goes where greedy goes."),
        Number("length_penalty", "Length penalty", 1, minimum=-1, maximum=3, step=0.1,
               help="Log-probabilities are divided by the length to this power: 0 favours short sentences."),
        Number("max_new", "Max length", 20, minimum=1, maximum=LONGEST,
               help="Tokens after which every hypothesis ends."),
        Text("stop", "Stop sequences", SPLIT.join(told.get("stop") or ()), longest=80,
             help=f"Texts that end a sentence, separated by {SPLIT}; \\n is a line break."),
        Choice("early", "Search ends", "guess", choices=early,
               help="Once as many sentences as beams are finished (early_stopping: False, True, never)."),
        Choice("window", "Shown", "7", choices=windows, help="How many steps are drawn at once."),
        Step("step", "Step", LONGEST, minimum=0, maximum=LONGEST,
             help="Tokens written by now; each step was worked out before, so it plays at once."),
    )  # fmt: skip


def _draw(
    subject: Subject, *, theme: str, prompt: str, beams: int, length_penalty: float, max_new: int, stop: str,
    early: str, window: str, step: int,
) -> go.Figure:  # fmt: skip
    found = ask_plainly(
        subject, "beam_search", prompt=prompt, beams=int(beams), max_new=int(max_new),
        length_penalty=float(length_penalty), early_stopping=EARLY[early],
        stop=stops(stop),
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
