"""Controls that stand beside a page's question, where other pages say what a model reads."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.running import texts
from dashboards.widgets import Placed, typed
from genviz.views.subject import Subject
from genviz.views.writing import first_prompt


def prompt(placed: Placed, subject: Subject) -> html.Div:
    """The field of the prompt, with the model's examples to choose from."""
    made = (subject.info.get("defaults") or {}).get("prompts") or ()
    offered = list(dict.fromkeys([first_prompt(subject), *map(str, made), *texts(subject)]))
    return _beside(dmc.Autocomplete, placed, data=offered, placeholder="A text to go on from")


def word(placed: Placed, _: Subject) -> html.Div:
    """The field of a word."""
    return _beside(dmc.TextInput, placed)


def _beside(kind: Any, placed: Placed, **more: Any) -> html.Div:
    control = placed.control
    field = kind(
        id=placed.id,
        value=str(control.value),
        size="sm",
        className="run-text",
        leftSection=html.Span(control.label, className="run-label"),
        leftSectionWidth=64,
        attributes=typed({"maxLength": getattr(control, "longest", 4000), "aria-label": control.label}),
        **more,
    )
    return html.Div(field, className="run", title=control.help)
