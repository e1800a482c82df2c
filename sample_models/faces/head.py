"""Head, neck and shoulders: the parts of a portrait that carry face shape, skin and light."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, colour
from .factors import Factors
from .shapes import Array, ellipse, superellipse

_SKIN_STOPS = np.array(
    [[1.00, 0.87, 0.78], [0.94, 0.74, 0.59], [0.75, 0.52, 0.37], [0.45, 0.29, 0.21]], dtype=np.float32
)
_SHIRT = colour((0.22, 0.33, 0.47))
_BLUSH = colour((0.86, 0.33, 0.30))
_HEIGHT = 0.66
_ZOOM = 1.14
_DOWN = 0.09
# Shadows on skin and hair are warm: blue falls off faster than red.
_SHADOW_TINT = colour((0.82, 1.00, 1.10))


class Head:
    """The geometry and the light that every part of one portrait shares; each number (n, 1, 1).

    Attributes
    ----------
    x, y : ndarray
        Pixel coordinates, relative to the middle of the head.
    width, height : ndarray
        Half axes of the head.
    outline : ndarray, (n, size, size)
        Signed distance to the head without ears.
    skin : ndarray, (n, 3, 1, 1)
        Colour of the skin in neutral light.
    shade : ndarray, (n, 3, size, size)
        Light at each pixel: multiply a colour by it.
    """

    def __init__(self, factors: Factors, *, canvas: Canvas) -> None:
        def column(name: str) -> Array:
            return np.asarray(factors[name], dtype=np.float32)[:, None, None]

        self.x = canvas.x / _ZOOM
        self.y = (canvas.y - _DOWN) / _ZOOM
        self.width = 0.44 + 0.14 * column("face_width")
        self.height = _HEIGHT
        self.outline = _outline(self, jaw=column("jaw"))
        self.skin = _skin_colour(factors["skin"])
        self.shade = _shade(self, light=column("light"))


def draw_body(canvas: Canvas, head: Head) -> None:
    """Paint neck and shoulders."""
    shoulders = superellipse(head.x, head.y - 0.98, width=0.76, height=0.34, power=2.6)
    canvas.paint(shoulders, _SHIRT * head.shade)
    neck = ellipse(head.x, head.y - 0.62, width=0.24, height=0.24)
    canvas.paint(neck, head.skin * 0.78 * head.shade)


def draw_skin(canvas: Canvas, head: Head) -> None:
    """Paint ears, face and cheeks."""
    lit = head.skin * head.shade
    for side in (-1, 1):
        ear = ellipse(head.x - side * head.width, head.y - 0.06, width=0.09, height=0.15)
        canvas.paint(ear, lit * 0.90)
    canvas.paint(head.outline, lit)
    for side in (-1, 1):
        away = ((head.x - side * 0.62 * head.width) / 0.15) ** 2 + ((head.y - 0.26) / 0.12) ** 2
        canvas.blend(0.22 * np.exp(-away), _BLUSH * head.shade)


def _outline(head: Head, *, jaw: Array) -> Array:
    below = np.clip(head.y / head.height, 0, 1)
    # A pointed jaw narrows on the way down; a square one keeps its width and turns late.
    narrowing = 1 - 0.42 * (1 - jaw) * below**1.5
    power = 2.0 + 1.5 * jaw * below
    return superellipse(head.x / narrowing, head.y, width=head.width, height=head.height, power=power)


def _skin_colour(tone: Array) -> Array:
    stops = np.linspace(0, 1, len(_SKIN_STOPS))
    channels = [np.interp(tone, stops, _SKIN_STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)[:, :, None, None]


def _shade(head: Head, *, light: Array) -> Array:
    # Lambert's law on an ellipsoid around the head, lit from above and from the side; half is ambient.
    across = np.clip(head.x / (1.25 * head.width), -1, 1)
    down = np.clip(head.y / (1.35 * head.height), -1, 1)
    towards = np.sqrt(np.clip(1 - across**2 - down**2, 0, 1))
    angle = 1.0 * light
    lambert = np.sin(angle) * across * 0.9 - 0.35 * down + np.cos(angle) * 0.85 * towards
    shadow = 0.45 - 0.55 * np.clip(lambert, 0, 1)
    shade: Array = 1 - _SHADOW_TINT * shadow[:, None]
    return shade
