"""Hair: one recipe, whose measures differ from style to style."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from .canvas import Canvas
from .factors import CATEGORIES, Factors
from .head import Head
from .shapes import Array, ellipse, superellipse

_COLOURS = {
    "black": (0.14, 0.12, 0.15),
    "brown": (0.42, 0.25, 0.14),
    "blond": (0.95, 0.79, 0.42),
    "red": (0.80, 0.33, 0.12),
    "grey": (0.70, 0.71, 0.75),
}
_COLOUR_TABLE = np.array([_COLOURS[name] for name in CATEGORIES["hair_colour"]], dtype=np.float32)


@dataclass(frozen=True)
class Style:
    """Measures of a hair style in picture units; the head is about 1.0 wide and 1.3 high."""

    grow: float  # how far the hair stands off the head
    hairline: float  # where hair ends on the forehead, down from the middle of the head
    slope: float  # hairline falls towards the picture's right
    temples: float  # hairline falls towards both sides
    back_width: float  # half width of the hair behind the head, on top of the head's own
    back_bottom: float  # how far down the hair behind the head reaches
    curl: float  # depth of the curls on the edge
    bun: float  # radius of the bun


_STYLES = {
    "short": Style(0.05, -0.42, 0.00, 0.90, 0.00, 0.02, 0.000, 0.00),
    "parted": Style(0.08, -0.34, 0.45, 0.20, 0.06, 0.20, 0.000, 0.00),
    "long": Style(0.09, -0.50, 0.00, 1.60, 0.15, 0.90, 0.000, 0.00),
    "curly": Style(0.14, -0.34, 0.00, 0.35, 0.20, 0.35, 0.035, 0.00),
    "bun": Style(0.04, -0.46, 0.00, 0.90, 0.00, 0.02, 0.000, 0.20),
}
_STYLE_TABLE = np.array([astuple(_STYLES[name]) for name in CATEGORIES["hair_style"]], dtype=np.float32)


class Hair:
    """Colour and measures of the hair of each face; measures (n, 1, 1), colour (n, 3, 1, 1)."""

    def __init__(self, factors: Factors) -> None:
        measures = _STYLE_TABLE[factors["hair_style"]]
        self.measure = {field.name: measures[:, i, None, None] for i, field in enumerate(fields(Style))}
        self.colour: Array = _COLOUR_TABLE[factors["hair_colour"]][:, :, None, None]


def draw_hair_behind(canvas: Canvas, head: Head, *, hair: Hair) -> None:
    """Paint what is seen of the hair beside and below the head, and the bun."""
    measure = hair.measure
    top = -head.height - measure["grow"]
    middle = (top + measure["back_bottom"]) / 2
    back = superellipse(
        head.x,
        head.y - middle,
        width=head.width + measure["back_width"],
        height=measure["back_bottom"] - middle,
        power=2.4,
    )
    shadow = hair.colour * 0.72 * head.shade
    canvas.paint(back - _curls(head, measure["curl"]), shadow)
    radius = np.maximum(measure["bun"], 0.01)
    bun = ellipse(head.x, head.y + head.height + 0.08, width=radius, height=radius)
    canvas.paint(bun, hair.colour * 0.85 * head.shade, opacity=(measure["bun"] > 0).astype(np.float32))


def draw_hair_in_front(canvas: Canvas, head: Head, *, hair: Hair) -> None:
    """Paint the hair on top of the head, down to the hairline."""
    measure = hair.measure
    line = measure["hairline"] + measure["slope"] * head.x + measure["temples"] * head.x**2
    cap = head.outline - measure["grow"] - _curls(head, measure["curl"])
    # Hair that stands off the head must not hang like a helmet beside the cheeks.
    covered = np.maximum(cap, 0.8 * (head.y - line - 0.5 * _curls(head, measure["curl"])))
    covered = np.maximum(covered, head.y - 0.15)
    shine = 1.0 + 0.30 * np.exp(-(((head.y + 0.52) / 0.10) ** 2)) * np.exp(-((head.x / 0.35) ** 2))
    canvas.paint(covered, hair.colour * head.shade * shine[:, None])


def _curls(head: Head, depth: Array) -> Array:
    angle = np.arctan2(head.y, head.x)
    curls: Array = depth * np.cos(13 * angle)
    return curls
