"""Every registered view: draws in both themes on what it applies to, says why not on what it does not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

import genviz.views
from genviz.errors import ControlError, NotApplicable
from genviz.figures import theme as look
from genviz.views import VIEWS, Subject, View
from genviz.views.controls import Choice, Control
from tests.views.subjects import SUBJECTS

LARGEST = 2_000_000  # bytes of JSON of any figure
LONGEST_LIST = 256  # numbers beyond this travel as bytes, not as a list


MADE: dict[str, Subject] = {name: make() for name, make in SUBJECTS.items()}
PAIRS = [(view, name) for view in VIEWS for name in SUBJECTS]
APPLYING = [(view, name) for view, name in PAIRS if name != "empty" and not view.lacks(MADE[name])]
SHORT = [(view, name) for view, name in APPLYING if name != "long transformer"]


def named(value: Any) -> str:
    return value.name if isinstance(value, View) else str(value)


@pytest.fixture
def subjects() -> dict[str, Subject]:
    return MADE


@dataclass(frozen=True)
class Sight:
    """What a view shows at first: drawn once, and looked at by several tests."""

    text: str
    controls: dict[str, Any]
    changed: bool


@cache
def first_sight(view: View, name: str) -> Sight:
    """A view of a subject with nothing said, and whether the recording was changed by looking."""
    entries = MADE[name].recorded().entries()
    before = [entry.load().copy() for entry in entries]
    figure = view(MADE[name])
    after = [entry.load() for entry in MADE[name].recorded().entries()]
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))
    return Sight(figure.to_json(), figure.layout.meta["genviz"]["controls"], not same)


def numbers_in_lists(value: Any) -> Iterator[int]:
    """Length of every list of numbers in a figure's JSON."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers_in_lists(inner)
    elif isinstance(value, list):
        if value and all(isinstance(item, int | float) for item in value):
            yield len(value)
        for item in value:
            yield from numbers_in_lists(item)


def test_names_are_unique_and_lead_to_the_view() -> None:
    assert len({view.name for view in VIEWS}) == len(VIEWS)
    for view in VIEWS:
        assert getattr(genviz.views, view.name) is view
        assert callable(view)
        assert view.title
        assert view.question.endswith("?")


@pytest.mark.parametrize("view", VIEWS, ids=named)
def test_every_view_applies_to_some_subject_and_not_to_all(view: View, subjects: dict[str, Subject]) -> None:
    applies = [name for name, subject in subjects.items() if not view.lacks(subject)]
    assert applies
    if view.needs != ("recording",):
        assert len(applies) < len(subjects)


@pytest.mark.parametrize(("view", "name"), PAIRS, ids=named)
def test_first_sight_in_both_themes(view: View, name: str, subjects: dict[str, Subject]) -> None:
    subject = subjects[name]
    if lacking := view.lacks(subject):
        with pytest.raises(NotApplicable) as error:
            view(subject)
        assert view.title in str(error.value)
        assert subject.name in str(error.value)
        assert lacking[0].split("|")[0] in str(error.value)
        return
    if name == "empty":
        return  # `recording` alone is needed: what is shown of nothing has its own test
    for theme in ("light", "dark"):
        figure = view(subject, theme=theme)
        assert isinstance(figure, go.Figure)
        assert figure.layout.template == look.template(theme)
        text = figure.to_json()
        assert len(text) < LARGEST
        assert "http" not in text
        assert max(numbers_in_lists(json.loads(text)["data"]), default=0) <= LONGEST_LIST
        assert all("float16" not in str(getattr(trace, "z", None)) for trace in figure.data)
        _provenance(figure, view, subject)
        _axes_have_titles(figure)
        if theme == "light":
            assert text == first_sight(view, name).text


def _provenance(figure: go.Figure, view: View, subject: Subject) -> None:
    said = figure.layout.meta["genviz"]
    assert (said["view"], said["subject"]) == (view.name, subject.name)
    assert set(said["controls"]) == {control.name for control in view.controls(subject)}
    assert said["provenance"] == subject.info.get("provenance", {})
    assert json.dumps(said)


def _axes_have_titles(figure: go.Figure) -> None:
    """Axes that show numbers or names say what of."""
    plain = [t for t in figure.data if t.type not in ("table", "icicle")]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if plain and axis.showticklabels is not False:
            assert axis.title.text


@pytest.mark.parametrize(("view", "name"), APPLYING, ids=named)
def test_controls_check_their_own_first_values(view: View, name: str, subjects: dict[str, Subject]) -> None:
    subject = subjects[name]
    for control in view.controls(subject):
        assert control.check(control.value) == control.value
        assert control.help
        assert control.label
        text = ",".join(map(str, control.value)) if isinstance(control.value, tuple) else str(control.value)
        assert control.check(text) == control.value  # as it comes back from a URL


@pytest.mark.parametrize(("view", "name"), SHORT, ids=named)
def test_every_choice_draws(view: View, name: str, subjects: dict[str, Subject]) -> None:
    subject = subjects[name]
    for control, value in _choices(view.controls(subject)):
        if (control.name, value) == ("method", "umap"):
            continue  # compiles for 20 s: tested with the projections
        if value == control.value:
            controls = first_sight(view, name).controls
        else:
            controls = view(subject, **{control.name: value}).layout.meta["genviz"]["controls"]
        assert controls[control.name] == value


def _choices(controls: tuple[Control, ...]) -> Iterator[tuple[Control, Any]]:
    for control in controls:
        if isinstance(control, Choice):
            for value, _ in control.choices[:6]:
                yield control, value


@pytest.mark.parametrize("view", VIEWS, ids=named)
def test_unknown_controls_and_themes_are_refused(view: View, subjects: dict[str, Subject]) -> None:
    subject = next(s for n, s in subjects.items() if not view.lacks(s) and n != "empty")
    with pytest.raises(ControlError, match=f"{view.name} has no control 'colour_of_the_sky': it has "):
        view(subject, colour_of_the_sky="blue")
    with pytest.raises(ControlError, match="theme='sepia' does not fit: the themes are light, dark"):
        view(subject, theme="sepia")


@pytest.mark.parametrize(("view", "name"), SHORT, ids=named)
def test_recordings_are_not_changed_by_looking(view: View, name: str) -> None:
    assert not first_sight(view, name).changed
