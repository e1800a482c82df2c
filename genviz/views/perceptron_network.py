"""What a perceptron does with one item: every unit and every weight."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.perceptron import strongest_units
from genviz.figures import perceptron_network as figures
from genviz.figures.perceptron_network import Column, Edges
from genviz.figures.text import clean, number, sentence
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.layers import Layer, input_names, item_controls, layer, linear_sites
from genviz.views.stepping import at_step, said
from genviz.views.subject import Subject

MOST_LAYERS = 8
MOST_UNITS = 64
WIDTHS = (("weight", "weight w"), ("contribution", "contribution w·x"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *item_controls(subject),
        Choice(
            "width",
            "Edges show",
            "weight",
            choices=WIDTHS,
            help="The weight alone, or the weight times what comes in for this item.",
        ),
        Number(
            "edges", "Most edges", 400, minimum=20, maximum=4000, step=20, help="The strongest are drawn."
        ),
    )


def _draw(
    subject: Subject, *, theme: str, row: int, width: str, edges: int, step: int | str | None = None
) -> go.Figure:
    recording, entry_step = at_step(subject, step, "activation")
    every = linear_sites(recording)
    layers = [layer(recording, site, row, step=entry_step) for site in every[:MOST_LAYERS]]
    kept = _kept(layers)
    note = _note(layers, kept, len(every))
    title = said(step) + f"item {row}{_answer(recording, layers, row)}"
    return figures.perceptron_network(
        _columns(recording, layers, kept),
        _edges(layers, kept),
        width_by=width,
        most_edges=edges,
        note=note,
        title=sentence(title),
        theme=theme,
    )


def _kept(layers: list[Layer]) -> list[NDArray[np.intp]]:
    """Units shown in each column: all, or the ones with the largest weights."""
    first = [strongest_units(None, layers[0].weight, MOST_UNITS)]
    following = [one.weight for one in layers[1:]] + [None]
    return first + [
        strongest_units(
            one.weight, after if after is None or after.shape[1] == len(one.weight) else None, MOST_UNITS
        )
        for one, after in zip(layers, following, strict=True)
    ]


def _columns(recording: Recording, layers: list[Layer], kept: list[NDArray[np.intp]]) -> list[Column]:
    names = input_names(recording, layers[0].inputs.size)
    inputs = layers[0].inputs
    hover = [f"<b>{clean(names[n])}</b><br>x = {_input_said(recording, int(n), inputs)}" for n in kept[0]]
    columns = [Column("inputs", inputs[kept[0]], [names[n] for n in kept[0]], hover)]
    for at, (one, shown) in enumerate(zip(layers, kept[1:], strict=True)):
        last = at == len(layers) - 1
        columns.append(
            Column(
                "output" if last else one.site,
                one.output[shown],
                _output_names(recording, one)
                if last and one.output.size == 1
                else [f"unit {n}" for n in shown],
                [_unit_hover(one, int(n)) for n in shown],
                [(one.site, int(n)) for n in shown],
            )
        )
    return columns


def _input_said(recording: Recording, at: int, inputs: NDArray[np.float64]) -> str:
    """An input as the network gets it and, where it was standardised, as it was before."""
    mean, scale = (np.ravel(recording.info.get(f"feature_{name}", ())) for name in ("mean", "scale"))
    if mean.size == scale.size == inputs.size:
        before = inputs[at] * float(scale[at]) + float(mean[at])
        return f"{number(inputs[at], 6)} (before standardising: {number(before)})"
    return number(inputs[at], 6)


def _output_names(recording: Recording, one: Layer) -> list[str]:
    name = recording.info.get("target_name")
    return [str(name)] if name else [f"unit {n}" for n in range(one.output.size)]


def _unit_hover(one: Layer, unit: int) -> str:
    return (
        f"<b>{clean(one.site)} unit {unit}</b><br>w·x + b = {number(one.total[unit], 6)}"
        f"<br>bias = {number(one.bias[unit], 6)}<br>after activation = {number(one.output[unit], 6)}"
    )


def _edges(layers: list[Layer], kept: list[NDArray[np.intp]]) -> list[Edges]:
    found = []
    for at, one in enumerate(layers):
        fits = one.weight.shape[1] == (layers[at - 1].output.size if at else one.weight.shape[1])
        columns = kept[at] if fits else np.arange(0)
        weights = np.zeros((len(kept[at + 1]), len(kept[at])))
        inputs = np.zeros(len(kept[at]))
        if fits:
            weights, inputs = one.weight[np.ix_(kept[at + 1], columns)], one.inputs[columns]
        found.append(Edges(weights, inputs))
    return found


def _note(layers: list[Layer], kept: list[NDArray[np.intp]], every: int) -> str:
    said = []
    if every > MOST_LAYERS:
        said.append(f"The first {MOST_LAYERS} of {every} layers.")
    sizes = [layers[0].inputs.size, *(one.output.size for one in layers)]
    cut = [f"{len(k)} of {size}" for k, size in zip(kept, sizes, strict=True) if len(k) < size]
    if cut:
        said.append(f"Units with the largest weights: {', '.join(dict.fromkeys(cut))}.")
    return " ".join(said)


def _answer(recording: Recording, layers: list[Layer], row: int) -> str:
    """What the network says and what is true, where both are one number, in the target's own unit."""
    name = str(recording.info.get("target_name") or "output")
    output = layers[-1].output
    if output.size != 1 or layers[-1].site != linear_sites(recording)[-1]:
        return ""
    found = recording.entries("", "target")
    target = np.asarray(found[0].load(), np.float64) if found else np.empty((0, 1))
    known = row < len(target) and target[row].size == 1
    words = f" · {name}: {_own_unit(recording, float(output[0]))} by the network"
    return words + (f", {_own_unit(recording, target[row].item())} in truth" if known else "")


def _own_unit(recording: Recording, value: float) -> str:
    """A prediction as it was before the targets were standardised, where that is known."""
    mean, scale = (np.ravel(recording.info.get(f"target_{name}", ())) for name in ("mean", "scale"))
    if mean.size == scale.size == 1:
        return number(value * float(scale[0]) + float(mean[0]))
    return number(value)


perceptron_network = View(
    name="perceptron_network",
    title="Units and weights",
    question="How do the inputs become the output, weight by weight?",
    needs=("weight", "input", "weighted_sum"),
    controls=_controls,
    draw=_draw,
)
