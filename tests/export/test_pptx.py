import io
import zipfile
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation

import genviz
from genviz.export import Slide

pytestmark = pytest.mark.browser
PIXEL = 9525  # EMU


def pictures(page: Any) -> list[Any]:
    return [shape for shape in page.shapes if shape.shape_type is not None and hasattr(shape, "image")]


def texts(page: Any) -> list[str]:
    return [shape.text_frame.text for shape in page.shapes if shape.has_text_frame]


def box(shape: Any) -> tuple[float, ...]:
    return tuple(side / PIXEL for side in (shape.left, shape.top, shape.width, shape.height))


def test_a_slide_for_each_figure(figure: go.Figure, points: go.Figure, tmp_path: Path) -> None:
    slides = [figure, Slide(points, "Where the digits live", "Colours are labels.", "Say hello.")]
    deck = Presentation(genviz.write(slides, tmp_path / "talk.pptx"))
    assert (deck.slide_width, deck.slide_height) == (12_192_000, 6_858_000)
    first, second = deck.slides
    assert texts(first) == ["What each token looks at", "Every row sums to one."]
    assert texts(second) == ["Where the digits live", "Colours are labels."]
    assert second.notes_slide.notes_text_frame.text == "Say hello."
    assert first.notes_slide.notes_text_frame.text.splitlines() == [
        "view: attention_matrix",
        "subject: gpt",
        "controls: site=layers.0.attn, head=2",
        "device: cpu",
        "model: GPT",
        "genviz: 0.1.0",
    ]


def test_everything_is_on_the_slide_and_nothing_overlaps(figure: go.Figure, tmp_path: Path) -> None:
    deck = Presentation(genviz.write(figure, tmp_path / "talk.pptx"))
    (page,) = deck.slides
    boxes = sorted((box(shape) for shape in page.shapes), key=lambda sides: sides[1])
    assert len(boxes) == 3
    for (left, top, width, height), below in zip(boxes, [*boxes[1:], (0, 720, 0, 0)], strict=True):
        assert left >= 0
        assert left + width <= 1280
        assert top + height <= below[1]


def test_the_picture_is_sharp_at_200_percent(figure: go.Figure, tmp_path: Path) -> None:
    for slide in (figure, Slide(figure.update_layout(width=500, height=500), caption="x")):
        (page,) = Presentation(genviz.write(slide, tmp_path / "talk.pptx")).slides
        (picture,) = pictures(page)
        with Image.open(io.BytesIO(picture.image.blob)) as image:
            across, down = image.size[0] / box(picture)[2], image.size[1] / box(picture)[3]
        assert min(across, down) >= 2.95
        assert across == pytest.approx(down, rel=0.01)  # not stretched
        assert (picture.crop_left, picture.crop_right, picture.crop_top, picture.crop_bottom) == (0, 0, 0, 0)


def test_the_vector_original_and_the_words_for_it(figure: go.Figure, tmp_path: Path) -> None:
    path = genviz.write(figure, tmp_path / "talk.pptx")
    (page,) = Presentation(path).slides
    (picture,) = pictures(page)
    blip = picture._element.find(".//{http://schemas.microsoft.com/office/drawing/2016/SVG/main}svgBlip")
    relation = blip.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed")
    part = page.part.related_part(relation)
    assert part.content_type == "image/svg+xml"
    assert etree.fromstring(part.blob).get("viewBox") is not None
    said = "What each token looks at. Every row sums to one. Chart: heatmap"
    assert picture._element.nvPicPr.cNvPr.get("descr") == said
    resaved = tmp_path / "again.pptx"
    Presentation(path).save(resaved)
    with zipfile.ZipFile(resaved) as archive:
        assert any(name.endswith(".svg") for name in archive.namelist())


def test_without_words_there_are_no_empty_placeholders(tmp_path: Path) -> None:
    (page,) = Presentation(genviz.write(go.Figure(go.Bar(y=[1])), tmp_path / "talk.pptx")).slides
    (shape,) = page.shapes
    assert hasattr(shape, "image")
    assert not page.has_notes_slide


def test_dark_slides(figure: go.Figure, tmp_path: Path) -> None:
    deck = Presentation(genviz.write(figure, tmp_path / "talk.pptx", theme="dark"))
    assert str(deck.slide_master.background.fill.fore_color.rgb) == "12151B"
    assert b'<a:srgbClr val="eceff4"' in etree.tostring(deck.slide_master._element)


def test_only_the_layouts_that_fit(figure: go.Figure, tmp_path: Path) -> None:
    deck = Presentation(genviz.write(figure, tmp_path / "talk.pptx"))
    assert [layout.name for layout in deck.slide_layouts] == ["Title Slide", "Title Only", "Blank", "Figure"]
    for layout in deck.slide_layouts:
        for shape in layout.placeholders:
            assert shape.left + shape.width <= deck.slide_width
