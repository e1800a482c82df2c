"""Which weights a training moved: the norm of the change, by layer and part."""

from collections.abc import Iterator
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import plotly.graph_objects as go

from genviz.analysis.training import Moved, moved
from genviz.errors import NotApplicable, NotCaptured
from genviz.figures import tuning as figures
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.controls import Control
from genviz.views.subject import Subject
from genviz.views.training import run_controls, steps_of
from genviz.views.tuning import other_control

AT_ONCE = 64 << 20  # bytes of weights that are handed over at a time
MOST = 400_000_000  # weights that are compared while someone waits
Sides = tuple[tuple[Subject, int | None], tuple[Subject, int | None]]
_KNOWN: WeakKeyDictionary[Recording, dict[Any, dict[str, Moved]]] = WeakKeyDictionary()


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (other_control(subject),) if subject.beside else run_controls(subject)[:1]


def _draw(subject: Subject, *, theme: str, other: str = "", checkpoint: int | None = None) -> go.Figure:
    sides: Sides
    if other:
        sides, names = ((subject, None), (subject.beside[other], None)), (subject.name, other)
    else:
        first = steps_of(subject)[0]
        sides, names = ((subject, first), (subject, checkpoint)), (f"step {first:,}", f"step {checkpoint:,}")
    found = _changes(sides)
    return figures.weight_changes(found, names=names, theme=theme)


def _changes(sides: Sides) -> dict[str, Moved]:
    """Change of every parameter that both sides have; worked out once."""
    (one, before), (other, after) = sides
    key = (id(other.live), before, after)
    known = _KNOWN.setdefault(one.recorded(), {})
    if key not in known:
        shapes = [_call(subject, "weight_shapes", step=step) for subject, step in sides]
        names = [name for name in shapes[0] if name in shapes[1]]
        if not names:
            raise NotCaptured(
                f"{one.name!r} and {other.name!r} have no weights of the same name: compare models of the "
                "same build"
            )
        if (size := sum(prod(shapes[0][name]) for name in names)) > MOST:
            raise NotCaptured(f"{size / 1e6:,.0f} million weights are too many to compare while you wait")
        found: dict[str, Moved] = {}
        for some in _portions(names, shapes[0]):
            values = [_call(subject, "weights", names=some, step=step) for subject, step in sides]
            found |= {name: moved(values[0][name], values[1][name]) for name in some}
        known[key] = found
    return known[key]


def _call(subject: Subject, ability: str, **arguments: Any) -> Any:
    if subject.live is None:
        raise NotApplicable(f"{subject.name!r} is only a recording: weights need the model itself")
    return subject.live.call(ability, **arguments)


def _portions(names: list[str], shapes: dict[str, list[int]]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for name in names:
        bytes_of = 4 * prod(shapes[name])
        if some and size + bytes_of > AT_ONCE:
            yield some
            some, size = [], 0
        some, size = [*some, name], size + bytes_of
    yield some


weight_changes = View(
    name="weight_changes",
    title="Which weights moved",
    question="Which layers and parts did the training change most?",
    needs=("beside|live.training", "live.weights"),
    controls=_controls,
    draw=_draw,
)
