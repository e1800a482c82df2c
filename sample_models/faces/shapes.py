"""Signed distances to simple shapes, in picture units: negative inside, positive outside, 0 on the edge.

The distances of ellipses are first-order: implicit value over length of its gradient (Quilez, "ellipsoid
SDF", iquilezles.org/articles/ellipsoids). They are exact on the edge, where anti-aliasing needs them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# float32 throughout; the stubs lose that in arithmetic with numbers.
Array = NDArray[Any]
Measure = Array | float
_TINY = 1e-6


def ellipse(x: Array, y: Array, *, width: Measure, height: Measure) -> Array:
    """Distance to an axis-aligned ellipse around the origin with half axes `width` and `height`."""
    along = x / width
    across = y / height
    level = np.sqrt(along * along + across * across) + _TINY
    slope = np.sqrt((along / width) ** 2 + (across / height) ** 2) + _TINY
    distance: Array = level * (level - 1) / slope
    return distance


def superellipse(x: Array, y: Array, *, width: Measure, height: Measure, power: Measure) -> Array:
    """Distance to |x / width|^power + |y / height|^power = 1: an ellipse at 2, squarer above."""
    along = np.abs(x) / width + _TINY
    across = np.abs(y) / height + _TINY
    along_steep = along ** (power - 1)
    across_steep = across ** (power - 1)
    total = along * along_steep + across * across_steep
    slope = power * np.hypot(along_steep / width, across_steep / height)
    # The power-th root has a gradient that is never flat, unlike the sum itself.
    level = total ** (1 / power)
    distance: Array = (level - 1) * power * total / (level * slope + _TINY)
    return distance


def capsule(x: Array, y: Array, *, dx: Measure, dy: Measure, radius: Measure) -> Array:
    """Distance to a stroke of half thickness `radius` from (-dx, -dy) to (dx, dy)."""
    along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy), -1, 1)
    distance: Array = np.hypot(x - along * dx, y - along * dy) - radius
    return distance


def coverage(distance: Array, pixel: float) -> Array:
    """Return how much of a pixel of side `pixel` lies inside: 1 inside, 0 outside, a ramp over the edge."""
    inside: Array = np.clip(0.5 - distance / pixel, 0, 1)
    return inside
