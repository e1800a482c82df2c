"""An empty 16:9 presentation in genviz's look.

python-pptx brings one of 4:3, whose placeholders do not follow when the slide is made wider.
"""

from typing import Any

from genviz.figures.theme import Palette
from genviz.figures.typeface import FAMILY

EMU = 9525  # English Metric Units in a logical pixel: 914400 per inch, 96 pixels per inch
WIDTH, HEIGHT = 1280, 720
MARGIN = 48
TITLE = (MARGIN, 26, WIDTH - 2 * MARGIN, 64)  # left, top, width, height in logical pixels
CAPTION = (MARGIN, 624, WIDTH - 2 * MARGIN, 68)
_KEPT = ("Title Slide", "Title Only", "Blank", "Picture with Caption")
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def new_deck(colours: Palette) -> Any:
    """A python-pptx presentation with the layouts of :data:`_KEPT`, the last being that of a figure."""
    from pptx import Presentation

    deck = Presentation()
    stretch = WIDTH * EMU / deck.slide_width
    deck.slide_width, deck.slide_height = WIDTH * EMU, HEIGHT * EMU
    master = deck.slide_master
    for layout in [layout for layout in deck.slide_layouts if layout.name not in _KEPT]:
        deck.slide_layouts.remove(layout)
    for part in (master, *deck.slide_layouts):
        for shape in part.placeholders:
            _widen(shape, stretch)
    _paint(master, colours)
    _arrange(figure_layout(deck))
    return deck


def figure_layout(deck: Any) -> Any:
    """The layout with a title, a picture and a caption."""
    return next(layout for layout in deck.slide_layouts if layout.name in ("Picture with Caption", "Figure"))


def place(shape: Any, box: tuple[float, float, float, float]) -> None:
    """Put a shape at left, top, width, height in logical pixels."""
    shape.left, shape.top, shape.width, shape.height = (round(side * EMU) for side in box)


def _widen(shape: Any, stretch: float) -> None:
    frame = shape._element.spPr.find(f"{_DRAWING}xfrm")
    if frame is not None:  # one without a frame follows the master
        shape.left, shape.width = round(shape.left * stretch), round(shape.width * stretch)


def _paint(master: Any, colours: Palette) -> None:
    """Background, typeface and text colour, once for all layouts."""
    from pptx.dml.color import RGBColor

    fill = master.background.fill
    fill.solid()
    fill.fore_color.rgb = RGBColor.from_string(colours.page.lstrip("#"))
    styles = master._element.find("{*}txStyles")
    for font in styles.iter(f"{_DRAWING}latin"):
        font.set("typeface", FAMILY)
    for colour in list(styles.iter(f"{_DRAWING}schemeClr")):
        if colour.get("val") == "tx1":
            exact = colour.makeelement(f"{_DRAWING}srgbClr", {"val": colours.text.lstrip("#")})
            colour.getparent().replace(colour, exact)


def _arrange(layout: Any) -> None:
    layout.name = "Figure"
    boxes = {0: TITLE, 1: picture_box(True, True), 2: CAPTION}
    for shape in layout.placeholders:
        number = shape.placeholder_format.idx
        if number in boxes:
            place(shape, boxes[number])
        if number == 0:
            shape.text_frame._txBody.bodyPr.set("anchor", "ctr")


def picture_box(title: bool, caption: bool) -> tuple[float, float, float, float]:
    """Room for the picture, given what else is on the slide."""
    top = TITLE[1] + TITLE[3] + 12 if title else 32
    bottom = CAPTION[1] - 12 if caption else HEIGHT - 32
    return MARGIN, top, WIDTH - 2 * MARGIN, bottom - top
