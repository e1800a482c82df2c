"""The one place where arrays are made ready for Plotly.

Plotly ships float32, int32 and uint8 as bytes; it turns float16 and object arrays into lists of text
(26 MB for 2048²) and fails on others. So every array goes through :func:`plain` on its way into a figure.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def plain(array: ArrayLike) -> NDArray[Any]:
    """Return the array as contiguous float32, int32 or uint8; NaN and infinities stay what they are.

    Parameters
    ----------
    array : array-like
        Numbers or bools. Whole numbers beyond 32 bits become float64.
    """
    found = np.asarray(array)
    if found.dtype == bool or found.dtype == np.uint8:
        return np.ascontiguousarray(found, np.uint8)
    if found.dtype.kind in "iu":
        fits = found.size == 0 or (found.min() >= -(2**31) and found.max() < 2**31)
        return np.ascontiguousarray(found, np.int32 if fits else np.float64)
    if found.dtype.kind == "f" or found.dtype.kind == "V" or found.dtype.name == "bfloat16":
        return np.ascontiguousarray(found.astype(np.float32))
    raise TypeError(f"an array of {found.dtype} cannot be drawn: figures take numbers")
