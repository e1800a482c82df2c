"""The frame of the playground; ``assets/60-playground.js`` fills it with what is written."""

from typing import Any

from dash import html

from genviz.views.subject import Subject


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
