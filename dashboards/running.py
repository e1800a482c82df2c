"""What a live model's ``record`` can be told from a page: a text to read, a seed to sample from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html

from genviz.errors import ControlError
from genviz.views.controls import Control, Number, Switch, Text
from genviz.views.subject import Subject


@dataclass(frozen=True)
class Argument:
    """An argument of ``record``.

    Parameters
    ----------
    control : Control
    ability : str
        A live model that has it takes the argument.
    verb : str
        What the button says.
    """

    control: Control
    ability: str
    verb: str


ARGUMENTS = (
    Argument(Text("text", "Text", "", help="What the model reads."), "tokenize", "Read it"),
    Argument(
        Number("seed", "Seed", 0, minimum=0, maximum=999_999, help="Same seed, same samples."),
        "score",
        "New samples",
    ),
)
#: Not on show: the link that a page offers when a text is too long has it.
CUT = Switch("cut", "Cut", False, help="Leave out of the text what the model has no positions for.")


def checked(given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a link as values; what no live model takes is left out.

    Raises
    ------
    ControlError
        When a value does not fit.
    """
    known: dict[str, Control] = {argument.control.name: argument.control for argument in ARGUMENTS}
    known[CUT.name] = CUT
    values = {name: known[name].check(text) for name, text in given.items() if name in known}
    if values.get("text", "x").strip() == "":
        raise ControlError("text='' does not fit: give at least one word to read")
    return values


def cut_of(subject: Subject) -> str:
    """Where the text that was read is cut; empty when it is not."""
    cut = subject.info.get("cut") or {}
    if not cut:
        return ""
    left = int(cut["tokens"]) - int(cut["read"])
    return (
        f"This is the beginning of a longer text, {int(cut['read']):,} of {int(cut['tokens']):,} tokens: the "
        f"model reads no more. It is cut behind “{cut['behind']}”; {left:,} tokens, from “{cut['from']}” on, "
        "are left out."
    )


def strip(subject: Subject, given: Mapping[str, Any]) -> html.Div | None:
    """The row in which a live model is told what to run on; None where there is nothing to tell."""
    if subject.live is None or "record" not in subject.live.abilities:
        return None
    wanted = [argument for argument in ARGUMENTS if argument.ability in subject.live.abilities]
    if not wanted:
        return None
    fields = [_field(argument.control, subject, given.get(argument.control.name)) for argument in wanted]
    verb = wanted[0].verb
    return html.Div(
        [*fields, html.Button(verb, id="run-go", className="button primary", n_clicks=0)], className="run"
    )


def _field(control: Control, subject: Subject, value: Any) -> Any:
    place = {"role": "run", "name": control.name}
    if isinstance(control, Number):
        return dmc.NumberInput(
            id=place,
            value=value if value is not None else _default(subject, control),
            min=control.minimum,
            max=control.maximum,
            step=1,
            leftSection=html.Span(control.label, className="run-label"),
            leftSectionWidth=64,
            size="sm",
            className="run-number",
            attributes={"input": {"aria-label": control.label}},
        )
    examples = texts(subject)
    return dmc.Autocomplete(
        id=place,
        value=value or (examples[0] if examples else ""),
        data=examples,
        size="sm",
        className="run-text",
        placeholder="A sentence for the model to read",
        leftSection=html.Span(control.label, className="run-label"),
        leftSectionWidth=54,
        attributes={"input": {"aria-label": control.label, "maxLength": 4000}},
    )


def _default(subject: Subject, control: Control) -> Any:
    return subject.info.get("defaults", {}).get(control.name, control.value)


def texts(subject: Subject) -> list[str]:
    """What a language model offers to read."""
    found = subject.live.info.get("defaults", {}).get("text") if subject.live else None
    return [found] if isinstance(found, str) else list(map(str, found or ()))
