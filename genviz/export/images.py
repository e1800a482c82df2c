"""PNG and SVG: one figure, drawn in Chromium, with the typeface inside."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lxml import etree

from genviz.errors import ExportError
from genviz.export import renderer
from genviz.export.base import Options, Slide
from genviz.export.clean import for_paper
from genviz.export.words import alternative
from genviz.figures import typeface

SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_PNG_SCALE = 2.0  # a 1280 × 720 figure is sharp on a screen of 2560 × 1440


def write_png(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write one figure as PNG."""
    figure = for_paper(slides[0].figure, options.theme)
    size = options.size(figure["layout"])
    path.write_bytes(draw_png(figure, size, options.magnification(size, _PNG_SCALE), timeout=options.timeout))


def write_svg(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write one figure as SVG with the typeface embedded."""
    figure = for_paper(slides[0].figure, options.theme)
    text = draw_svg(figure, options.size(figure["layout"]), timeout=options.timeout)
    path.write_bytes(finished_svg(text, alternative(slides[0])))


def draw_png(figure: dict[str, Any], size: tuple[int, int], scale: float, *, timeout: float) -> bytes:
    """The PNG of a cleaned figure."""
    spec = renderer.spec(figure, size, scale)

    async def job(tab: renderer.Tab) -> str:
        return await tab.call("png", spec)

    return base64.b64decode(renderer.run(job, suffix=".png", timeout=timeout))


def draw_svg(figure: dict[str, Any], size: tuple[int, int], *, timeout: float) -> str:
    """The SVG of a cleaned figure, as plotly.js makes it; parts drawn by WebGL are pictures in it."""
    spec = renderer.spec(figure, size)

    async def job(tab: renderer.Tab) -> str:
        return await tab.call("svg", spec)

    return renderer.run(job, suffix=".svg", timeout=timeout)


def finished_svg(text: str, described: str) -> bytes:
    """SVG that stands alone: typeface and description inside, no reference to elsewhere."""
    try:
        root = etree.fromstring(text.encode(), etree.XMLParser(huge_tree=True, resolve_entities=False))
    except etree.XMLSyntaxError as problem:
        raise ExportError(f"the browser gave an SVG that is not well formed: {problem}") from problem
    for element in root.iter(etree.Element):
        _cut_references(element)
    root.attrib.update({"role": "img"})
    style = etree.Element(f"{SVG}style")
    style.text = typeface.css(typeface.needed(text))
    title = etree.Element(f"{SVG}title")
    title.text = described
    root[0:0] = [title, style]
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _cut_references(element: Any) -> None:
    for name, value in element.attrib.items():
        foreign = name in ("href", _LINK) and not value.startswith(("#", "data:image/"))
        if foreign or ("url(" in value and _points_elsewhere(value)):
            del element.attrib[name]


def _points_elsewhere(style: str) -> bool:
    targets = (part.lstrip().lstrip("\"'") for part in style.split("url(")[1:])
    return any(not target.startswith(("#", "data:")) for target in targets)
