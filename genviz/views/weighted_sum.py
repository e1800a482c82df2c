"""What one unit computes for one item: its weighted sum, spelt out."""

import plotly.graph_objects as go

from genviz.analysis.perceptron import weighted_sum as spell_out
from genviz.errors import NotCaptured
from genviz.figures import weighted_sum as figures
from genviz.figures.text import clean, number
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.layers import Layer, input_names, item_controls, layer, linear_sites
from genviz.views.stepping import at_step, said
from genviz.views.subject import Subject

LARGEST = "largest"
MOST_UNITS = 1024  # units offered by number


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    sites = linear_sites(recording)
    widest = max(entry.shape[0] for site in sites for entry in recording.entries(site, "weight"))
    units = tuple((unit, f"unit {unit}") for unit in range(min(widest, MOST_UNITS)))
    return (
        Choice(
            "site", "Layer", sites[0], choices=tuple((s, s or "(model)") for s in sites), help="Which layer."
        ),
        Choice(
            "unit",
            "Unit",
            LARGEST,
            choices=((LARGEST, "largest sum"), *units),
            help="Which unit of the layer.",
        ),
        *item_controls(subject),
    )


def _draw(
    subject: Subject, *, theme: str, site: str, unit: int | str, row: int, step: int | str | None = None
) -> go.Figure:
    recording, entry_step = at_step(subject, step, "activation")
    one = layer(recording, site, row, step=entry_step)
    at = int(one.total.argmax()) if unit == LARGEST else int(unit)
    if at >= len(one.weight):
        raise NotCaptured(f"no unit {at} at {site!r}: it has units 0 … {len(one.weight) - 1}")
    found = spell_out(one.weight[at], one.inputs, float(one.bias[at]))
    names = _names(recording, one)
    hover = [
        f"<b>{clean(name)}</b><br>w = {number(w, 6)}<br>x = {number(x, 6)}<br>w·x = {number(w * x, 6)}"
        for name, w, x in zip(names, one.weight[at], one.inputs, strict=True)
    ]
    return figures.weighted_sum(
        found,
        names=names,
        hover=hover,
        output=float(one.output[at]),
        title=f"{said(step)}{site or 'model'} · unit {at} · item {row}",
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
