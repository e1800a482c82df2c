from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from pypdf import PdfReader

import genviz
from genviz.export import Slide

pytestmark = pytest.mark.browser
WIDE = (960.0, 540.0)  # points: 13.333 × 7.5 inches


def sizes(reader: PdfReader) -> list[tuple[float, float]]:
    return [(float(page.mediabox.width), float(page.mediabox.height)) for page in reader.pages]


def fonts(reader: PdfReader) -> set[str]:
    found: set[str] = set()
    for page in reader.pages:
        resources: Any = page["/Resources"]
        found |= {str(font.get_object()["/BaseFont"]) for font in resources["/Font"].values()}
    return {name.split("+")[-1] for name in found}


def test_one_figure_fills_a_page_of_its_size(figure: go.Figure, tmp_path: Path) -> None:
    reader = PdfReader(genviz.write(figure, tmp_path / "a.pdf", width=400, height=300))
    assert sizes(reader) == [pytest.approx((300.0, 225.0), abs=0.2)]  # 96 pixels are 72 points
    assert "What each token looks at" in reader.pages[0].extract_text()


def test_a_page_for_each_figure(figure: go.Figure, points: go.Figure, tmp_path: Path) -> None:
    slides = [
        figure,
        Slide(points, "Where the digits live", "Colours are labels & <b>no markup</b>."),
        figure,
    ]
    reader = PdfReader(genviz.write(slides, tmp_path / "a.pdf"))
    assert sizes(reader) == [WIDE] * 3
    texts = [page.extract_text() for page in reader.pages]
    assert ["looks at" in text for text in texts] == [True, False, True]
    assert "Where the digits live" in texts[1]
    assert "Colours are labels & no markup." in texts[1].replace("\n", " ")
    assert "Latent space of a σ" in texts[1]


def test_text_stays_text_in_the_shipped_typeface(figure: go.Figure, tmp_path: Path) -> None:
    reader = PdfReader(genviz.write(Slide(figure, "A title"), tmp_path / "a.pdf"))
    assert fonts(reader) == {"Inter-Regular", "Inter-SemiBold"}


def test_a_title_is_not_said_twice(figure: go.Figure, tmp_path: Path) -> None:
    slide = Slide(figure, "What each token looks at", "A caption.")
    text = PdfReader(genviz.write(slide, tmp_path / "a.pdf")).pages[0].extract_text()
    assert text.count("What each token looks at") == 1


def test_long_words_stay_on_one_page(figure: go.Figure, tmp_path: Path) -> None:
    slide = Slide(figure, "word " * 100, "x" * 2_000)
    assert sizes(PdfReader(genviz.write([slide, figure], tmp_path / "a.pdf"))) == [WIDE] * 2
