"""Neurons of a feed-forward network: of the recording, and with a live model of all its examples."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from genviz.errors import ControlError, GenvizError, NotCaptured
from genviz.figures import neurons as figures
from genviz.figures.neurons import Neuron
from genviz.figures.text import clean
from genviz.recording import Entry, Recording
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Text
from genviz.views.stream import at_most, continued, position_control, read, side_of, words_of
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    sites = _sites(subject.recorded())
    said = "Its number; empty: the most active one at the token. A click on a bar chooses it."
    return (
        Choice("network", "Feed-forward network", sites[-1], choices=tuple((s, s) for s in sites),
               help="Of which layer."),
        Text("unit", "Neuron", "", longest=9, help=said),
        position_control(subject),
    )  # fmt: skip


def _sites(recording: Recording) -> list[str]:
    return list(dict.fromkeys(e.site for e in recording.entries(kind="neuron") if "token" in e.axes)) or [""]


def _draw(subject: Subject, *, theme: str, network: str, unit: str, position: int) -> go.Figure:
    recording = subject.recorded()
    entries = [entry for entry in recording.entries(network, "neuron") if "token" in entry.axes]
    if not entries:
        raise NotCaptured(f"no neurons along tokens were captured at {network!r}")
    values = read(continued(entries), 0)
    words = _words(recording, entries[-1], len(values))
    at = at_most(position, words)
    chosen = _number(unit, values[at])
    return figures.neurons(
        values[at],
        _neuron(subject, network, chosen, values=values, words=words),
        word=words[at],
        position=at,
        layer=network,
        theme=theme,
    )


def _words(recording: Recording, entry: Entry, length: int) -> list[str]:
    words = words_of(recording, side_of(entry) or "")
    return words if len(words) == length else [str(at) for at in range(length)]


def _number(unit: str, values: np.ndarray) -> int:
    if not unit.strip():
        return int(np.argmax(np.abs(np.nan_to_num(values))))
    if not unit.strip().isdigit() or int(unit) >= len(values):
        raise ControlError(f"unit={unit!r} does not fit: neuron takes a number from 0 to {len(values) - 1}")
    return int(unit)


def _neuron(subject: Subject, site: str, unit: int, *, values: np.ndarray, words: Sequence[str]) -> Neuron:
    """From the live model over all its examples; else from the recording, which knows no function."""
    if subject.has("live.neuron"):
        try:
            found = ask_plainly(subject, "neuron", site=site, unit=unit)
            return Neuron(unit, found["words"], found["activations"], found["before"], found["function"],
                          found["gated"])  # fmt: skip
        except GenvizError as error:
            why = clean(f"Only the recording's text: {error}", 200)
            return Neuron(unit, [words], values[:, unit], None, "", False, why)
    why = "Only the recording's text; what goes into the activation function is seen with a live model."
    return Neuron(unit, [words], values[:, unit], None, "", False, why)


neurons = View(
    name="neurons",
    title="Neurons",
    question="Which neurons of a layer are active at this token, and what else is one of them active for?",
    needs=("neuron", "hidden"),
    controls=_controls,
    draw=_draw,
)
