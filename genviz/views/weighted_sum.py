"""What one unit computes for one item: its weighted sum, spelt out."""

import plotly.graph_objects as go

from genviz.analysis.perceptron import weighted_sum as spell_out
from genviz.errors import NotCaptured
from genviz.figures import weighted_sum as figures
from genviz.figures.text import clean, number
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.layers import Layer, input_names, item_controls, layer, linear_sites
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    sites = linear_sites(recording)
    units = max(entry.shape[0] for site in sites for entry in recording.entries(site, "weight"))
    return (
        Choice("site", "Layer", sites[0], choices=tuple((s, s or "(model)") for s in sites),
               help="Which layer."),
        Number("unit", "Unit", _first_unit(recording), minimum=0, maximum=units - 1,
               help="First shown: the unit of the first layer with the largest sum for the first item."),
        *item_controls(recording),
    )  # fmt: skip


def _first_unit(recording: Recording) -> int:
    return int(layer(recording, linear_sites(recording)[0], 0, None).total.argmax())


def _draw(
    subject: Subject, *, theme: str, site: str, unit: int, row: int, step: int | None = None
) -> go.Figure:
    recording = subject.recorded()
    one = layer(recording, site, row, step)
    if unit >= len(one.weight):
        raise NotCaptured(f"no unit {unit} at {site!r}: it has units 0 … {len(one.weight) - 1}")
    found = spell_out(one.weight[unit], one.inputs, float(one.bias[unit]))
    names = _names(recording, one)
    hover = [
        f"<b>{clean(name)}</b><br>w = {number(w, 6)}<br>x = {number(x, 6)}<br>w·x = {number(w * x, 6)}"
        for name, w, x in zip(names, one.weight[unit], one.inputs, strict=True)
    ]
    return figures.weighted_sum(
        found,
        names=names,
        hover=hover,
        output=float(one.output[unit]),
        title=f"{site or 'model'} · unit {unit} · item {row}",
        theme=theme,
    )


def _names(recording: Recording, one: Layer) -> list[str]:
    first = linear_sites(recording)[0] == one.site
    return input_names(recording, one.inputs.size) if first else [f"unit {n}" for n in range(one.inputs.size)]


weighted_sum = View(
    name="weighted_sum",
    title="One unit spelt out",
    question="How does one unit turn its inputs into a number?",
    needs=("weight", "input", "weighted_sum"),
    controls=_controls,
    draw=_draw,
)
