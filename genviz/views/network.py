"""What the model is built of: its modules, one inside the other."""

import plotly.graph_objects as go

from genviz.figures import network as figures
from genviz.figures.text import count
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number, Switch
from genviz.views.subject import Subject

HEIGHTS = (("equal", "equal"), ("parameters", "by parameters"))


def _controls(_: Subject) -> tuple[Control, ...]:
    return (
        Number(
            "depth",
            "Levels shown",
            4,
            minimum=2,
            maximum=10,
            help="Click a box to go deeper, its path to go back.",
        ),
        Switch(
            "fold",
            "Fold equal blocks",
            True,
            help="Draw a run of equal blocks once, with how many there are.",
        ),
        Choice("height", "Heights", "equal", choices=HEIGHTS, help="What the height of a box stands for."),
    )


def _draw(subject: Subject, *, theme: str, depth: int, fold: bool, height: str) -> go.Figure:
    tree = subject.info["network"]
    return figures.network(
        tree,
        fold=fold,
        depth=depth,
        by_parameters=height == "parameters",
        theme=theme,
        title=f"{subject.info.get('title') or tree['class']} · {count(tree['parameters'])} parameters",
    )


network = View(
    name="network",
    title="Network",
    question="What is this model built of, and where are its parameters?",
    needs=("info.network",),
    controls=_controls,
    draw=_draw,
)
