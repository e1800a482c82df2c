"""PowerPoint: one 16:9 slide for each figure, with title, picture, caption and speaker notes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genviz.export.base import Options, Slide
from genviz.export.clean import for_paper, is_dark
from genviz.export.deck import figure_layout, new_deck, picture_box, place
from genviz.export.images import draw_png, draw_svg, finished_svg
from genviz.export.words import LONGEST_CAPTION, LONGEST_TITLE, alternative, shortened, untitled, words
from genviz.figures import theme as look

_SCALE = 3.0  # image pixels per pixel of a 1280 × 720 slide: sharp when shown at 200 %
# Marks the vector original of a picture: Microsoft's extension svgBlip, [MS-ODRAWXML].
_SVG_URI = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"
_SVG_SPACE = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
_R_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"


def write_pptx(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write every figure on a slide of its own; the picture is a PNG with its SVG original beside it."""
    dark = is_dark(slides[0].figure, options.theme)
    deck = new_deck(look.DARK if dark else look.LIGHT)
    deck.core_properties.title = words(slides[0]).title
    deck.core_properties.author = "genviz"
    for slide in slides:
        _add(deck, slide, options)
    deck.save(path)


def _add(deck: Any, slide: Slide, options: Options) -> None:
    said = words(slide)
    page = deck.slides.add_slide(figure_layout(deck))
    title, holder, caption = (page.placeholders[number] for number in (0, 1, 2))
    _say(title, shortened(said.title, LONGEST_TITLE), ((70, 28), (100, 22), (None, 17)))
    _say(caption, shortened(said.caption, LONGEST_CAPTION), ((240, 16), (None, 12)))
    room = picture_box(bool(said.title), bool(said.caption))
    figure = untitled(for_paper(slide.figure, options.theme), said)
    size = _size(figure["layout"], room, options)
    shown = min(room[2] / size[0], room[3] / size[1])
    scale = options.magnification(size, _SCALE * max(shown, 1.0))
    png = draw_png(figure, size, scale, timeout=options.timeout)
    svg = draw_svg(figure, size, timeout=options.timeout)
    picture = holder.insert_picture(io.BytesIO(png))
    picture.crop_left = picture.crop_right = picture.crop_top = picture.crop_bottom = 0
    width, height = size[0] * shown, size[1] * shown
    place(picture, (room[0] + (room[2] - width) / 2, room[1] + (room[3] - height) / 2, width, height))
    described = alternative(slide)
    picture._element.nvPicPr.cNvPr.set("descr", described)
    _attach_svg(page, picture, finished_svg(svg, described))
    cut = said.caption if len(said.caption) > LONGEST_CAPTION else ""
    if notes := "\n\n".join(filter(None, (cut, said.notes))):
        page.notes_slide.notes_text_frame.text = notes


def _size(
    layout: dict[str, Any], room: tuple[float, float, float, float], options: Options
) -> tuple[int, int]:
    """Logical size: the figure's own or the one asked for, else exactly the room there is."""
    width, height = options.width or layout.get("width"), options.height or layout.get("height")
    if width is None and height is None:
        return round(room[2]), round(room[3])
    return round(width or room[2]), round(height or room[3])


def _say(shape: Any, text: str, sizes: Sequence[tuple[int | None, int]]) -> None:
    """Put text into a placeholder, smaller the longer it is; an empty placeholder is taken away."""
    from pptx.util import Pt

    if not text:
        shape._element.getparent().remove(shape._element)
        return
    frame = shape.text_frame
    frame.text = text
    frame.word_wrap = True
    points = next(points for longest, points in sizes if longest is None or len(text) <= longest)
    for run in (run for paragraph in frame.paragraphs for run in paragraph.runs):
        run.font.size = Pt(points)


def _attach_svg(page: Any, picture: Any, svg: bytes) -> None:
    """Put the SVG beside the PNG; programs that know only bitmaps show the PNG."""
    from lxml import etree
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.opc.package import Part

    package = page.part.package
    part = Part(package.next_partname("/ppt/media/vector%d.svg"), "image/svg+xml", package, svg)
    relation = page.part.relate_to(part, RELATIONSHIP_TYPE.IMAGE)
    blip = picture._element.blipFill.find("{*}blip")
    space = blip.nsmap.get("a") or "http://schemas.openxmlformats.org/drawingml/2006/main"
    extension = etree.SubElement(
        etree.SubElement(blip, f"{{{space}}}extLst"), f"{{{space}}}ext", uri=_SVG_URI
    )
    etree.SubElement(extension, f"{{{_SVG_SPACE}}}svgBlip", {_R_EMBED: relation}, nsmap={"asvg": _SVG_SPACE})
