"""Neurons of a feed-forward network: of the recording, and with a live model of all its examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from genviz.errors import ControlError, GenvizError, NotCaptured
from genviz.figures import neurons as figures
from genviz.figures.neurons import Neuron
from genviz.figures.text import clean
from genviz.recording import Entry, Recording
from genviz.shapes import Float
from genviz.views.asking import ask, ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Text
from genviz.views.experts import routed_sites, shares_at
from genviz.views.stream import at_most, continued, position_control, read, side_of, words_of
from genviz.views.subject import Subject


@dataclass(frozen=True)
class _Layer:
    """Activations of a layer, or of one expert of it, along the tokens that have some."""

    values: Float[np.ndarray, "token unit"]
    words: Sequence[str]
    at: int
    expert: int | None = None


def _controls(subject: Subject) -> tuple[Control, ...]:
    sites = _sites(subject)
    said = "Its number; empty: the most active one at the token. A click on a bar chooses it."
    sent = "Of a mixture of experts, its number; empty: the one with the largest share in the token."
    expert = (Text("expert", "Expert", "", longest=9, help=sent),) if _mixtures(subject) else ()
    return (
        Choice("network", "Feed-forward network", sites[-1], choices=tuple((s, s) for s in sites),
               help="Of which layer."),
        *expert,
        Text("unit", "Neuron", "", longest=9, help=said),
        position_control(subject),
    )  # fmt: skip


def _sites(subject: Subject) -> list[str]:
    entries = subject.recorded().entries(kind="neuron")
    found = [entry.site for entry in entries if "token" in entry.axes]
    return list(dict.fromkeys([*found, *_mixtures(subject)])) or [""]


def _mixtures(subject: Subject) -> tuple[str, ...]:
    """Mixtures of experts whose neurons a live model can tell."""
    told = subject.has("routing") and subject.has("live.expert_neurons")
    return routed_sites(subject.recorded()) if told else ()


def _draw(
    subject: Subject, *, theme: str, network: str, unit: str, position: int, expert: str = ""
) -> go.Figure:
    if network in _mixtures(subject):
        layer = _of_expert(subject, network, position, expert)
    else:
        layer = _of_all(subject.recorded(), network, position)
    chosen = _number(unit, layer.values[layer.at], "neuron")
    name = network if layer.expert is None else f"{network} · expert {layer.expert}"
    return figures.neurons(
        layer.values[layer.at],
        _neuron(subject, network, chosen, layer),
        word=layer.words[layer.at],
        position=position if layer.expert is not None else layer.at,
        layer=name,
        theme=theme,
    )


def _of_all(recording: Recording, network: str, position: int) -> _Layer:
    entries = [entry for entry in recording.entries(network, "neuron") if "token" in entry.axes]
    if not entries:
        reasons = [item.reason for item in recording.missing if item.kind == "neuron"]
        why = f": {reasons[0]}" if reasons else ""
        raise NotCaptured(f"no neurons along tokens were captured at {network!r}{why}")
    values = read(continued(entries), 0)
    words = _words(recording, entries[-1], len(values))
    return _Layer(values, words, at_most(position, words))


def _of_expert(subject: Subject, network: str, position: int, expert: str) -> _Layer:
    shares, words = shares_at(subject.recorded(), network)
    at = at_most(position, words)
    chosen = _number(expert, shares[at], "expert")
    if not shares[at, chosen]:
        goes = " and ".join(map(str, np.flatnonzero(shares[at]).tolist()))
        raise NotCaptured(
            f"token {at} ({words[at]}) does not go through expert {chosen} at {network}: "
            f"it goes through {goes}"
        )
    found = ask(subject, "expert_neurons", site=network, expert=chosen)
    positions = list(found["positions"])
    return _Layer(found["activations"], [words[each] for each in positions], positions.index(at), chosen)


def _words(recording: Recording, entry: Entry, length: int) -> list[str]:
    words = words_of(recording, side_of(entry) or "")
    return words if len(words) == length else [str(at) for at in range(length)]


def _number(text: str, values: np.ndarray, what: str) -> int:
    """A number that was written, or that of the largest value."""
    if not text.strip():
        return int(np.argmax(np.abs(np.nan_to_num(values))))
    if not text.strip().isdigit() or int(text) >= len(values):
        name = "unit" if what == "neuron" else what
        raise ControlError(f"{name}={text!r} does not fit: {what} takes a number from 0 to {len(values) - 1}")
    return int(text)


def _neuron(subject: Subject, site: str, unit: int, layer: _Layer) -> Neuron:
    """From the live model over all its examples; else from the recording, which knows no function."""
    if subject.has("live.neuron"):
        try:
            expert = {} if layer.expert is None else {"expert": layer.expert}
            found = ask_plainly(subject, "neuron", site=site, unit=unit, **expert)
            return Neuron(unit, found["words"], found["activations"], found["before"], found["function"],
                          found["gated"], positions=found["positions"])  # fmt: skip
        except GenvizError as error:
            why = clean(f"Only the recording's text: {error}", 200)
            return Neuron(unit, [layer.words], layer.values[:, unit], None, "", False, why)
    why = "Only the recording's text; what goes into the activation function is seen with a live model."
    return Neuron(unit, [layer.words], layer.values[:, unit], None, "", False, why)


neurons = View(
    name="neurons",
    title="Neurons",
    question="Which neurons of a layer are active at this token, and what else is one of them active for?",
    needs=("neuron|routing", "hidden"),
    controls=_controls,
    draw=_draw,
)
