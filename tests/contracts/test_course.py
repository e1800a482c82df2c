"""Every idea of the course (docs/course.md) can be seen on its subject, and taken to a file."""

import re
from pathlib import Path

import pytest

import genviz
from dashboards.pages import PAGES
from genviz.export.numbers import tables
from genviz.showing import sample_subjects
from genviz.views import VIEWS, view_named
from genviz.views.subject import Subject

pytestmark = pytest.mark.slow

TEXT = (Path(__file__).parents[2] / "docs" / "course.md").read_text("utf-8")
ROWS = [
    (idea, subject, page, tuple(re.findall(r"`(\w+)`", views)))
    for idea, subject, page, views in re.findall(r"^\| (.+?) \| (\w+) \| (.+?) \| (`.+`) \|$", TEXT, re.M)
]
SEEN = sorted({(subject, view) for _, subject, _, views in ROWS for view in views})


@pytest.fixture(scope="module")
def subjects() -> dict[str, Subject]:
    return {}


def on_show(subjects: dict[str, Subject], name: str) -> Subject:
    if name not in subjects:
        [subject] = sample_subjects([name])
        subjects[name] = subject.with_recording(subject.recorded())
    return subjects[name]


@pytest.mark.parametrize(("name", "view"), SEEN, ids=["-".join(pair) for pair in SEEN])
def test_it_is_drawn_and_written(subjects: dict[str, Subject], name: str, view: str, tmp_path: Path) -> None:
    figure = view_named(view)(on_show(subjects, name))
    for suffix in (".html", ".json"):
        target = tmp_path / f"{view}{suffix}"
        genviz.write(figure, target)
        assert target.stat().st_size > 1000
    assert tables(figure) or figure.layout.images, "a picture with nothing in it"


@pytest.mark.parametrize(("idea", "subject", "page", "views"), ROWS, ids=[row[0] for row in ROWS])
def test_it_stands_on_the_page_that_the_table_names(
    subjects: dict[str, Subject], idea: str, subject: str, page: str, views: tuple[str, ...]
) -> None:
    [found] = [each for each in PAGES if each.title == page]
    assert set(views) <= set(found.views), idea
    assert found.applies(on_show(subjects, subject)), idea


def test_no_view_is_left_out() -> None:
    """A view that no idea needs is either general or belongs into the table."""
    general = {"network", "sites", "array", "attention_patches", "experts"}
    shown = {view for _, _, _, views in ROWS for view in views}
    assert {view.name for view in VIEWS} - shown == general
