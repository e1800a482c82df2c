"""The clock of a training: its place on the page; ``assets/45-clock.js`` fills it and moves the pictures."""

import json
from typing import Any

from dash import html

from genviz.errors import GenvizError
from genviz.views.subject import Subject
from genviz.views.training import steps_of


def clock(subject: Subject) -> list[Any]:
    """The frame of the clock, above the controls; nothing where the training has no steps to go through."""
    try:
        steps = steps_of(subject)
    except GenvizError:
        return []
    place = html.Div(id="clock", className="clock", **{"data-checkpoints": json.dumps(steps)})
    return [html.Section([html.H2("Along the training"), place], className="controls")]
