"""A stack of pictures on which shapes are painted one over the other."""

from __future__ import annotations

import numpy as np

from .shapes import Array, coverage

_BACKDROP_TOP = (0.83, 0.89, 0.94)
_BACKDROP_BOTTOM = (0.60, 0.70, 0.81)


class Canvas:
    """`n` pictures of `size` x `size` pixels, all with the same backdrop.

    Attributes
    ----------
    image : ndarray, (n, 3, size, size), float32
        Red, green and blue; may leave [0, 1] while painting.
    x, y : ndarray, (1, 1, size) and (1, size, 1), float32
        Where the middle of each pixel lies, from -1 to 1; y runs down.
    pixel : float
        Side of a pixel in the same unit.
    """

    def __init__(self, n: int, *, size: int) -> None:
        self.pixel = 2 / size
        middle = np.linspace(-1 + self.pixel / 2, 1 - self.pixel / 2, size, dtype=np.float32)
        self.x = middle[None, None, :]
        self.y = middle[None, :, None]
        down = (middle[:, None] + 1) / 2
        top, bottom = colour(_BACKDROP_TOP), colour(_BACKDROP_BOTTOM)
        self.image = np.broadcast_to(top + (bottom - top) * down, (n, 3, size, size)).astype(np.float32)

    def paint(self, distance: Array, paint: Array, *, opacity: Array | float = 1.0) -> None:
        """Cover the inside of a shape.

        Parameters
        ----------
        distance : ndarray, (n, size, size)
            Signed distance to the shape's edge, negative inside.
        paint : ndarray, broadcast against (n, 3, size, size)
            The colour.
        opacity : ndarray or float, optional
            From 0 to 1, broadcast against (n, size, size).
        """
        self.blend(coverage(distance, self.pixel) * np.asarray(opacity, dtype=np.float32), paint)

    def blend(self, amount: Array, paint: Array) -> None:
        """Move each pixel towards `paint` by `amount`, (n, size, size) in [0, 1]."""
        self.image += amount[:, None] * (paint - self.image)


def colour(rgb: tuple[float, float, float]) -> Array:
    """Return one colour in the shape that broadcasts over pictures, (1, 3, 1, 1)."""
    return np.asarray(rgb, dtype=np.float32).reshape(1, 3, 1, 1)
