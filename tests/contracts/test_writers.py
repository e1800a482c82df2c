"""What every writer keeps to, those of other packages included."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from lxml import etree
from PIL import Image

import genviz
from genviz.errors import ExportError, MissingBrowser
from genviz.export import WRITERS, Slide, Writer, registry, suffixes

TEXT = "<b>σ</b> & </script> \ud800\x00 =1+1"


def drawn(title: str = "A title") -> go.Figure:
    figure = go.Figure([go.Bar(x=["a", TEXT], y=np.array([1.5, 2.5])), go.Heatmap(z=np.eye(3))])
    return figure.update_layout(title=title)


def writer(suffix: str) -> Writer:
    return registry.writer_for(Path(f"a{suffix}"))


def write(figures: go.Figure | Slide | list[go.Figure | Slide], path: Path, theme: str | None = None) -> Path:
    try:
        return genviz.write(figures, path, theme=theme)
    except MissingBrowser as problem:
        pytest.skip(str(problem))


def opens_html(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")


def opens_pdf(path: Path) -> None:
    from pypdf import PdfReader

    assert len(PdfReader(path, strict=True).pages) >= 1


def opens_pptx(path: Path) -> None:
    from pptx import Presentation

    assert len(Presentation(path).slides) >= 1
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def opens_png(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


# How each of genviz's own formats is opened again; a writer without an entry here fails the suite.
OPENS: dict[str, Callable[[Path], object]] = {
    ".png": opens_png,
    ".svg": lambda path: etree.parse(path),
    ".pdf": opens_pdf,
    ".html": opens_html,
    ".pptx": opens_pptx,
    ".json": lambda path: go.Figure(json.loads(path.read_text(encoding="utf-8"))),
    ".csv": lambda path: path.read_text(encoding="utf-8").index("1.5"),
}


def test_every_own_format_can_be_opened_here() -> None:
    assert set(OPENS) == set(WRITERS)


@pytest.mark.parametrize("suffix", suffixes())
def test_says_what_it_is(suffix: str) -> None:
    assert writer(suffix).suffix == suffix
    assert suffix == suffix.lower()
    assert suffix.startswith(".")


@pytest.mark.parametrize("suffix", suffixes())
@pytest.mark.parametrize("theme", [None, "light", "dark"])
def test_writes_a_file_that_opens(suffix: str, theme: str | None, tmp_path: Path) -> None:
    path = write(drawn(), tmp_path / f"a{suffix}", theme)
    assert path.stat().st_size > 0
    OPENS.get(suffix, Path.read_bytes)(path)


@pytest.mark.parametrize("suffix", suffixes())
def test_takes_any_text(suffix: str, tmp_path: Path) -> None:
    slide = Slide(drawn(TEXT), TEXT, TEXT, TEXT)
    OPENS.get(suffix, Path.read_bytes)(write(slide, tmp_path / f"a{suffix}"))


@pytest.mark.parametrize("suffix", suffixes())
def test_leaves_the_figure_and_the_folder_alone(suffix: str, tmp_path: Path) -> None:
    figure = drawn()
    before = str(figure.to_dict())
    write(figure, tmp_path / f"a{suffix}", "dark")
    assert str(figure.to_dict()) == before
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", suffixes())
def test_several_figures(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    if writer(suffix).many:
        one = write(drawn(), tmp_path / f"one{suffix}").stat().st_size
        assert write([drawn(), Slide(drawn(), "Two"), drawn()], path).stat().st_size > one
        OPENS.get(suffix, Path.read_bytes)(path)
    else:
        with pytest.raises(ExportError, match="holds one figure and 2 were given"):
            genviz.write([drawn(), drawn()], path)
        assert not path.exists()


@pytest.mark.parametrize("suffix", suffixes())
def test_same_figure_same_file(suffix: str, tmp_path: Path) -> None:
    """Where a format has no clock or random names in it, its bytes are the same each time."""
    if suffix in (".pdf", ".pptx", ".svg"):  # dates; names that plotly.js makes up for clip paths
        pytest.skip("holds a date or made-up names")
    first, second = (write(drawn(), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second
