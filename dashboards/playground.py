"""The frame of the playground, and its prompt; ``assets/60-playground.js`` fills it with what is written."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.running import texts
from dashboards.widgets import Placed
from genviz.views.subject import Subject
from genviz.views.writing import first_prompt


def playground(_: Subject) -> list[Any]:
    """The frame."""
    blank = html.Div(className="skeleton tall", **{"aria-hidden": "true"})
    return [
        html.Section(
            html.Div(blank, id="playground", className="playground"),
            className="panel",
            style={"gridColumn": "span 12", "gridRow": "span 5"},
            **{"aria-label": "The answer"},
        )
    ]


def prompt(placed: Placed, subject: Subject) -> html.Div:
    """The field of the prompt, with the model's examples to choose from."""
    control = placed.control
    made = (subject.info.get("defaults") or {}).get("prompts") or ()
    offered = list(dict.fromkeys([first_prompt(subject), *map(str, made), *texts(subject)]))
    field = dmc.Autocomplete(
        id=placed.id,
        value=str(control.value),
        data=offered,
        size="sm",
        debounce=600,
        className="run-text",
        placeholder="A text to go on from",
        leftSection=html.Span(control.label, className="run-label"),
        leftSectionWidth=64,
        attributes={"input": {"aria-label": control.label, "maxLength": 4000}},
    )
    return html.Div(field, className="run", title=control.help)
