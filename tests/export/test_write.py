import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
import pytest

import genviz
from genviz.errors import ExportError, UnknownFormat
from genviz.export import WRITERS, Options, Slide, Writer, registry


def test_public_names() -> None:
    assert genviz.write.__module__ == "genviz.export.writing"
    assert list(WRITERS) == [".png", ".svg", ".pdf", ".html", ".pptx", ".json", ".csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "talk.key",
            "no writer for '.key': the formats are .png, .svg, .pdf, .html, .pptx, .json, .csv",
        ),
        (
            "talk",
            "'talk' has no ending that names a format: "
            "the formats are .png, .svg, .pdf, .html, .pptx, .json, .csv",
        ),
    ],
)
def test_unknown_format(figure: go.Figure, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UnknownFormat) as caught:
        genviz.write(figure, tmp_path / name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no figures to write: the sequence is empty"),
        ("abc", "write takes a plotly Figure, a genviz Slide, or a sequence of them; str was given"),
        (None, "write takes a plotly Figure, a genviz Slide, or a sequence of them; NoneType was given"),
        ({"data": []}, "write takes a plotly Figure, a genviz Slide, or a sequence of them; dict was given"),
        ([go.Figure(), 3], "figures[1] is a int, not a plotly Figure or a genviz Slide"),
    ],
)
def test_not_figures(tmp_path: Path, given: object, message: str) -> None:
    with pytest.raises(ExportError) as caught:
        genviz.write(given, tmp_path / "talk.html")
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_several_figures_in_a_format_of_one(figure: go.Figure, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        genviz.write([figure, figure, figure], tmp_path / "a.png")
    assert str(caught.value) == (
        "a.png holds one figure and 3 were given: write each to a file of its own, "
        "or all of them to one of .pdf, .html, .pptx"
    )


def test_targets_that_cannot_be_written(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ExportError, match=r"the folder .*/absent does not exist; create it first$"):
        genviz.write(figure, tmp_path / "absent" / "a.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ExportError, match=r"folder\.json is a folder: give the name of a file in it$"):
        genviz.write(figure, tmp_path / "folder.json")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ExportError, match=r"cannot write .*: no permission to write in the folder "):
        genviz.write(figure, tmp_path / "a.json")


def failing(problem: Exception) -> Writer:
    def write(_: Sequence[Slide], path: Path, __: Options) -> None:
        path.write_bytes(b"half")
        raise problem

    return Writer(".json", many=False, write=write)


@pytest.mark.parametrize("old", [None, "old"])
def test_failure_leaves_what_was_there(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    target = tmp_path / "a.json"
    if old:
        target.write_text(old)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setitem(WRITERS, ".json", failing(full))
    with pytest.raises(ExportError, match=r"cannot write .*a\.json: No space left on device$"):
        genviz.write(figure, target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ([old] if old else [])


def test_interruption_leaves_nothing(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WRITERS, ".json", failing(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        genviz.write(figure, tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_replaces_and_keeps_links(figure: go.Figure, tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    assert genviz.write(figure, link) == link
    assert link.is_symlink()
    assert real.read_text().startswith('{"data"')


def test_file_is_as_readable_as_any_other(figure: go.Figure, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    written = genviz.write(figure, str(tmp_path / "A.JSON"))  # any case, and text as path
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "neon"}, "theme='neon' does not fit: light, dark, or None (as the figure is)"),
        ({"width": 0}, "width=0 does not fit: it must be a number above 0"),
        ({"scale": float("nan")}, "scale=nan does not fit: it must be a number above 0"),
        ({"height": True}, "height=True does not fit: it must be a number above 0"),
        (
            {"width": 10_000, "scale": 4},
            "10000 × 720 at scale 4 is 40000 × 2880 pixels: a side can have 16384 at most; "
            "give a smaller width, height or scale, or use .svg or .pdf, which have no pixels",
        ),
    ],
)
def test_options_that_do_not_fit(
    figure: go.Figure, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ExportError) as caught:
        genviz.write(figure, tmp_path / "a.png", **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_maps_are_refused_where_they_would_be_downloaded(tmp_path: Path) -> None:
    globe = go.Figure(go.Scattergeo(lon=[0.0], lat=[51.5]))
    with pytest.raises(ExportError, match="the figure has scattergeo, whose map would be downloaded"):
        genviz.write(globe, tmp_path / "a.html")
    assert "51.5" in genviz.write(globe, tmp_path / "a.csv").read_text()


class Point:
    """An entry point of another package."""

    name, value = ".toy", "toys:writer"

    def __init__(self, gives: object) -> None:
        self.gives = gives

    def load(self) -> object:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def plug_in(monkeypatch: pytest.MonkeyPatch, gives: object) -> None:
    def points(*, group: str, name: str = ".toy") -> list[Point]:
        return [Point(gives)] if (group, name) == ("genviz.writers", ".toy") else []

    monkeypatch.setattr(registry, "entry_points", points)


def test_other_packages_add_writers(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(slides: Sequence[Slide], path: Path, _: Options) -> None:
        path.write_text(f"{len(slides)} toys")

    plug_in(monkeypatch, Writer(".toy", many=True, write=write))
    assert genviz.write([figure, figure], tmp_path / "a.toy").read_text() == "2 toys"
    assert registry.suffixes()[-1] == ".toy"


def test_broken_plug_ins_say_so(figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, ImportError("no toys today"))
    with pytest.raises(ExportError) as caught:
        genviz.write(figure, tmp_path / "a.toy")
    assert str(caught.value) == "the writer for .toy (toys:writer) cannot be loaded: no toys today"
    plug_in(monkeypatch, "not a writer")
    with pytest.raises(ExportError) as caught:
        genviz.write(figure, tmp_path / "a.toy")
    assert str(caught.value) == "the entry point toys:writer for .toy gives str, not a Writer"
