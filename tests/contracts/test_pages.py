"""One suite over every page: it applies where it says, and it can be put together and drawn."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dash.development.base_component import Component

from dashboards.address import Address
from dashboards.app import page as shown
from dashboards.framing import framed
from dashboards.pages import PAGES, Page
from dashboards.panels import drawn
from dashboards.stage import Stage
from genviz.recording import Recording
from genviz.views import VIEWS, view_named
from genviz.views.subject import Subject
from tests.dashboards.subjects import subjects

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
with_panels = pytest.mark.parametrize(
    "page", [page for page in PAGES if page.panels], ids=lambda page: page.name
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage(subjects(), warm=False)
    for slug in made.acts:
        assert made.ask(slug).wait(20)
    yield made
    made.close()


def where_it_applies(stage: Stage, page: Page) -> list[tuple[str, Subject]]:
    every = [(slug, stage.ask(slug).subject) for slug in stage.acts]
    return [(slug, subject) for slug, subject in every if page.applies(subject)]


def parts(component: Any) -> Iterator[Component]:
    """Every component of a tree."""
    if isinstance(component, list | tuple):
        for item in component:
            yield from parts(item)
    elif isinstance(component, Component):
        yield component
        yield from parts(getattr(component, "children", None))


def test_names_are_unique_and_fit_a_link() -> None:
    names = [page.name for page in PAGES]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalpha() and name.islower() for name in names)


@each
def test_it_asks_a_question_in_plain_words(page: Page) -> None:
    assert page.question.endswith("?")
    assert page.title[0].isupper()


@each
def test_its_views_exist(page: Page) -> None:
    known = {view.name for view in VIEWS}
    assert set(page.views) <= known
    assert set(page.clicks) <= set(page.views)
    assert len(set(page.views)) == len(page.views), "a view stands once on a page"


@with_panels
def test_its_frames_fill_the_page(page: Page) -> None:
    more = {"latent-space": 6 * 6, "playground": 12 * 5}  # frames that are no views
    area = sum(panel.columns * panel.rows for panel in page.panels) + more.get(page.name, 0)
    assert area == 12 * 12


@with_panels
def test_some_subject_has_it_and_an_empty_one_has_not(page: Page, stage: Stage) -> None:
    assert where_it_applies(stage, page)
    applies = page.applies(Subject("nothing", recording=Recording()))
    assert applies is (page.name == "overview"), "the overview says that nothing was captured"


@with_panels
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_put_together_and_every_view_is_drawn(page: Page, stage: Stage, theme: str) -> None:
    for slug, subject in where_it_applies(stage, page):
        address = Address.parse(f"/{slug}/{page.name}?theme={theme}")
        _, main, aside, here, waits_not, chosen = shown(stage, address, 1)
        assert waits_not
        assert chosen == slug
        assert here["page"] == page.name
        assert [part.children for part in parts(main) if type(part).__name__ == "H1"] == [page.question]
        drawn_views = set(here["views"])
        assert drawn_views == {view.name for panel in page.panels for view in page.shown(panel, subject)}
        for name, keys in here["views"].items():
            values = {control: here["first"][key] for control, key in keys.items()}
            figure = drawn(stage, {"subject": slug, "view": name, "theme": theme, "values": values})
            assert figure.layout.meta["genviz"]["view"] == name
        json.dumps(
            [part.to_plotly_json() for part in [*main, *aside]], default=lambda part: part.to_plotly_json()
        )


@with_panels
def test_every_control_has_one_widget_and_a_label(page: Page, stage: Stage) -> None:
    for slug, _ in where_it_applies(stage, page):
        _, main, aside, here, *_ = shown(stage, Address.parse(f"/{slug}/{page.name}"), 1)
        ids = [part.id for part in parts([*main, *aside]) if isinstance(getattr(part, "id", None), dict)]
        widgets = [
            found for found in ids if found.get("role") in ("control", "switch") and found["scope"] != "tab"
        ]
        keys = [w["name"] if w["scope"] == "page" else f"{w['scope']}.{w['name']}" for w in widgets]
        assert sorted(keys) == sorted(here["first"])


@with_panels
def test_values_of_a_link_are_where_they_were(page: Page, stage: Stage) -> None:
    """Every control that has another value than its first: the link carries it, and the page shows it."""
    slug, subject = where_it_applies(stage, page)[0]
    _, _, _, here, *_ = shown(stage, Address.parse(f"/{slug}/{page.name}"), 1)
    for name, keys in here["views"].items():
        for control in view_named(name).controls(subject):
            choices = getattr(control, "choices", ())
            other = next(
                (str(value) for value, _ in choices if str(value) != here["first"][keys[control.name]]), None
            )
            if other is None:
                continue
            address = Address("", page.name, controls={keys[control.name]: other})
            link = Address.parse(Address(slug, page.name, controls=address.controls).href)
            _, _, aside, again, *_ = shown(stage, link, 2)
            widget = next(
                part for part in parts(aside) if getattr(part, "id", None) == _id(keys[control.name])
            )
            assert widget.value == other
            assert again["first"] == here["first"], "what a link says does not change what comes without it"


def _id(key: str) -> dict[str, str]:
    scope, _, name = key.rpartition(".")
    return {"role": "control", "scope": scope or "page", "name": name}


@with_panels
def test_a_value_that_does_not_fit_is_said_and_the_first_one_shown(page: Page, stage: Stage) -> None:
    slug, _ = where_it_applies(stage, page)[0]
    _, _, _, here, *_ = shown(stage, Address.parse(f"/{slug}/{page.name}"), 1)
    key = next((key for key, value in here["first"].items() if value.isdigit()), None)
    if key is None:
        pytest.skip("this page has no number")
    _, main, *_ = shown(stage, Address.parse(f"/{slug}/{page.name}?{key}=-7"), 1)
    notices = [part.children for part in parts(main) if getattr(part, "className", "") == "notice"]
    assert len(notices) == 1
    assert "='-7' does not fit" in notices[0]


@with_panels
def test_words_are_taken_out_of_figures_and_not_lost(page: Page, stage: Stage) -> None:
    slug, subject = where_it_applies(stage, page)[0]
    for panel in page.panels:
        for view in page.shown(panel, subject):
            figure = drawn(stage, {"subject": slug, "view": view.name})
            before = figure.layout.title.text
            after = framed(figure)
            assert after.figure.layout.title.text is None
            assert bool(after.caption) == bool(before)
            assert not [note for note in after.figure.layout.annotations if note.name == "small print"]
