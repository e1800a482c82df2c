"""Widgets: what a person moves, made from the controls that views declare."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dash_mantine_components as dmc
from dash import html

from genviz.errors import ControlError
from genviz.views import View
from genviz.views.controls import Choice, Control, Number, Picks, Span, Step, Switch, Text
from genviz.views.subject import Subject

SHARED = "page"
_SEGMENTS = 3  # choices that stand beside each other; more go into a list
_ONE_LINE = 80  # letters that are written on one line; more get a field of several
_SLIDER = 200  # steps that a slider can resolve


@dataclass(frozen=True)
class Placed:
    """A control on a page.

    Parameters
    ----------
    control : Control
        Its ``value`` is what the page starts with.
    scope : str
        ``"page"`` when every view that has it shares it, else the name of its only view.
    views : tuple of str
        The views that it changes.
    first : Any
        Its value when a link says nothing.
    """

    control: Control
    scope: str
    views: tuple[str, ...]
    first: Any

    @property
    def key(self) -> str:
        """Its name in links."""
        return self.control.name if self.scope == SHARED else f"{self.scope}.{self.control.name}"

    @property
    def id(self) -> dict[str, str]:
        """Its id on the page."""
        return {"role": "control", "scope": self.scope, "name": self.control.name}


def place(
    views: Sequence[View], subject: Subject, given: Mapping[str, Any]
) -> tuple[list[Placed], list[str]]:
    """Collect the controls of a page; those of the same name, label and choices are one.

    Parameters
    ----------
    views : sequence of View
    subject : Subject
    given : mapping
        Values that a link brings, as text.

    Returns
    -------
    placed : list of Placed
    complaints : list of str
        What the link asked for and does not fit.
    """
    found: list[Placed] = []
    for view in views:
        for control in view.controls(subject):
            _add(found, control, view.name)
    complaints = []
    for number, item in enumerate(found):
        if item.key in given:
            try:
                value = item.control.check(given[item.key])
                found[number] = replace(item, control=replace(item.control, value=value))
            except ControlError as error:
                complaints.append(str(error))
    return found, complaints


def _add(found: list[Placed], control: Control, view: str) -> None:
    for number, item in enumerate(found):
        if item.control.name == control.name:
            if item.scope == SHARED and _same(item.control, control):
                found[number] = replace(item, views=(*item.views, view))
            else:
                found.append(Placed(control, view, (view,), control.value))
            return
    found.append(Placed(control, SHARED, (view,), control.value))


def _same(first: Control, second: Control) -> bool:
    alike = type(first) is type(second) and first.label == second.label
    return alike and getattr(first, "choices", None) == getattr(second, "choices", None)


def widget(placed: Placed) -> Any:
    """Build the widget of a control, by its type."""
    control = placed.control
    for kind, build in _BUILDERS.items():
        if isinstance(control, kind):
            return html.Div(build(control, placed.id), className="control", title=control.help or None)
    raise TypeError(f"no widget for a control of type {type(control).__name__}")


def widgets(items: Sequence[Placed]) -> list[Any]:
    """Build the widgets of a section; short fields of one kind stand in pairs."""
    found: list[Any] = []
    while items:
        kind = type(items[0].control)
        pair = len(items) > 1 and kind in _SHORT and type(items[1].control) is kind
        here, items = items[: 1 + pair], items[1 + pair :]
        made = [widget(each) for each in here]
        found += [html.Div(made, className="pair")] if pair else made
    return found


def as_text(control: Control) -> str:
    """The value of a control as a link and its widget carry it."""
    if isinstance(control, Picks):
        return ",".join(map(str, control.value))
    if isinstance(control, Span):
        return "-".join(map(str, control.value))
    if isinstance(control, Switch):
        return "true" if control.value else "false"
    return str(control.value)


def _label(control: Control, place: Mapping[str, str], shows_value: bool = False) -> html.Div:
    name = f"{place['scope']}-{place['name']}"
    return html.Div(
        [
            html.Span(control.label, id=f"label-{name}"),
            html.Span(id=f"value-{name}", className="control-value") if shows_value else None,
        ],
        className="control-label",
    )


def _choice(control: Choice, place: dict[str, str]) -> list[Any]:
    data = [{"value": str(value), "label": shortened(label)} for value, label in control.choices]
    words = sum(len(label) for _, label in control.choices)
    if 1 < len(data) <= _SEGMENTS and words <= 35 - 5 * len(data):
        named = {"aria-labelledby": f"label-{place['scope']}-{place['name']}"}
        return [
            _label(control, place),
            html.Div(
                dmc.SegmentedControl(
                    id=place, data=data, value=str(control.value), fullWidth=True, size="sm"
                ),
                role="group",
                **named,
            ),
        ]
    return [
        dmc.Select(
            id=place,
            label=control.label,
            data=data,
            value=str(control.value),
            allowDeselect=False,
            searchable=len(data) > 8,
            size="sm",
            comboboxProps={"shadow": "md"},
            checkIconPosition="right",
        )
    ]


def shortened(label: str, most: int = 22) -> str:
    """Leave out the middle of a dotted name: its ends tell which one it is.

    Examples
    --------
    >>> shortened("encoder.layer.0.attention.self"), shortened("a choice of many plain words")
    ('encode…attention.self', 'a choice of many plain words')
    """
    if len(label) <= most or " " in label:
        return label
    return f"{label[:6]}…{label[-(most - 8) :]}"


def typed(attributes: dict[str, Any] | None = None, wait: int = 500) -> dict[str, Any]:
    """Return attributes of a field waited for, in ms, while it is typed in (``assets/10-state.js``)."""
    return {"input": {"data-typed": str(wait), **(attributes or {})}}


def _number(control: Number, place: dict[str, str]) -> list[Any]:
    steps = (control.maximum - control.minimum) / control.step
    if not 0 < steps <= _SLIDER:
        return [
            dmc.NumberInput(
                id=place,
                label=control.label,
                value=control.value,
                min=control.minimum,
                max=control.maximum,
                step=control.step,
                size="sm",
                attributes=typed(wait=250),
                clampBehavior="strict",
                disabled=steps <= 0,
            )
        ]
    ends = [{"value": end, "label": f"{end:g}"} for end in (control.minimum, control.maximum)]
    return [
        _label(control, place, shows_value=True),
        dmc.Slider(
            id=place,
            value=control.value,
            min=control.minimum,
            max=control.maximum,
            step=control.step,
            marks=ends,
            updatemode="drag",
            size=6,
            thumbSize=18,
            thumbLabel=control.label,
            className="slider",
        ),
    ]


def _switch(control: Switch, place: dict[str, str]) -> list[Any]:
    switch = {**place, "role": "switch"}
    return [dmc.Switch(id=switch, label=control.label, checked=bool(control.value), size="sm")]


def _text(control: Text, place: dict[str, str]) -> list[Any]:
    shared = {
        "id": place,
        "label": control.label,
        "value": str(control.value),
        "size": "sm",
        "attributes": typed({"maxLength": control.longest}),
    }
    if control.longest <= _ONE_LINE:
        return [dmc.TextInput(**shared)]
    return [dmc.Textarea(autosize=True, minRows=2, maxRows=6, **shared)]


def _picks(control: Picks, place: dict[str, str]) -> list[Any]:
    """A field; one item has no room for help but on demand."""
    several = {
        "description": control.help, "inputWrapperOrder": ["label", "input", "description", "error"],
    }  # fmt: skip
    return [
        dmc.TextInput(
            id=place,
            label=control.label,
            value=as_text(control),
            size="sm",
            attributes=typed(),
            placeholder="click one",
            **(several if control.most > 1 else {}),
        )
    ]


def _span(control: Span, place: dict[str, str]) -> list[Any]:
    """A field; the attributes tell the script which control a box drawn in the picture sets."""
    field = dmc.TextInput(
        id=place,
        label=control.label,
        value=as_text(control),
        size="sm",
        attributes=typed(),
        placeholder=f"0-{control.count - 1}",
    )
    told = {"data-span": control.axis, "data-count": str(control.count), "data-place": json.dumps(place)}
    return [html.Div(field, **told)]


def _step(control: Step, place: dict[str, str]) -> list[Any]:
    """A slider with buttons; ``assets/45-steps.js`` plays the figure, and fits the slider to it."""
    buttons = [
        html.Button(
            type="button", className=f"button {look}", **{"data-steps": does, "aria-label": says}
        )
        for does, look, says in (
            ("back", "step back", "One step back"),
            ("play", "player-play", "Play"),
            ("on", "step on", "One step on"),
        )
    ]  # fmt: skip
    label, slider = _number(control, place)
    bar = html.Div(buttons, className="player-bar", **{"data-place": json.dumps(place)})
    return [label, slider, bar]


_SHORT = (Span, Picks)  # fields of which two fit beside each other
_BUILDERS: dict[type[Control], Any] = {
    Choice: _choice,
    Step: _step,
    Number: _number,
    Switch: _switch,
    Text: _text,
    Picks: _picks,
    Span: _span,
}
