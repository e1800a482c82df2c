"""Draw portraits: layer upon layer of anti-aliased shapes, many faces at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas
from .factors import Factors, check_factors
from .features import draw_features
from .hair import Hair, draw_hair_behind, draw_hair_in_front
from .head import Head, draw_body, draw_skin

# Faces drawn together: few enough that a layer stays in the processor's cache.
_CHUNK = 32


def draw(factors: Factors, *, size: int = 32) -> NDArray[np.float32]:
    """Draw the portraits that `factors` describe.

    Nothing else enters the picture: equal factors give equal pixels.

    Parameters
    ----------
    factors : mapping of str to ndarray, each (n,)
        Every name in `CONTINUOUS` and `CATEGORIES`; other names are ignored.
    size : int, optional
        Rows and columns of each picture.

    Returns
    -------
    ndarray, (n, 3, size, size), float32
        Red, green and blue in [0, 1].

    Raises
    ------
    ValueError
        When `size` is below 8, or the factors are incomplete or out of range.

    Examples
    --------
    >>> from sample_models.faces import draw, sample_factors
    >>> draw(sample_factors(2, seed=0), size=64).shape
    (2, 3, 64, 64)
    """
    if size < 8:
        raise ValueError(f"asked for pictures of {size} x {size}: a face needs at least 8 x 8 pixels")
    n = check_factors(factors)
    images = np.empty((n, 3, size, size), dtype=np.float32)
    for start in range(0, n, _CHUNK):
        part = {name: np.asarray(values)[start : start + _CHUNK] for name, values in factors.items()}
        images[start : start + _CHUNK] = _draw_chunk(part, size=size)
    return images


def _draw_chunk(factors: Factors, *, size: int) -> NDArray[np.float32]:
    canvas = Canvas(len(factors["skin"]), size=size)
    head = Head(factors, canvas=canvas)
    hair = Hair(factors)
    draw_hair_behind(canvas, head, hair=hair)
    draw_body(canvas, head)
    draw_skin(canvas, head)
    draw_features(canvas, head, factors=factors, hair=hair.colour)
    draw_hair_in_front(canvas, head, hair=hair)
    return np.clip(canvas.image, 0, 1)
