"""Buttons that set several dials at once; ``assets/46-presets.js`` presses them."""

import json
from typing import Any

from dash import html

from genviz.figures.text import sentence
from genviz.views.gpt_dials import presets
from genviz.views.subject import Subject

_NAMED = ("n_layers", "layers"), ("d_model", "channels"), ("n_heads", "heads")


def preset_buttons(subject: Subject) -> list[Any]:
    """One button for the subject's own sizes, and one for each published one."""
    buttons = [
        html.Button(
            sentence(name.removeprefix("GPT-3 ")),
            type="button",
            className="button" if number else "button wide",
            title=f"{name}: {', '.join(f'{values[dial]:,} {word}' for dial, word in _NAMED)}",
            **{"data-sets": json.dumps(values), "aria-pressed": "false"},
        )
        for number, (name, values) in enumerate(presets(subject))
    ]
    heading = html.H2("Start from this model, or a GPT-3 (Brown et al. 2020)")
    group = html.Div(buttons, className="presets", role="group", **{"aria-label": "Sizes to start from"})
    return [html.Section([heading, group], className="controls")]
