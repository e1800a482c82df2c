"""What views with pictures share: the range of values, and what is a picture at all."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from genviz.errors import NotCaptured


def picture_range(info: Mapping[str, Any]) -> tuple[float, float]:
    """Values of black and of white, from ``info["image"]["range"]``; ``(0, 1)`` without it."""
    low, high = (info.get("image") or {}).get("range", (0.0, 1.0))
    return float(low), float(high)


def is_pictures(items: NDArray[Any]) -> bool:
    """Tell whether items have the axes (sample, channel, row, column)."""
    return items.ndim == 4


def require_pictures(items: NDArray[Any], what: str) -> NDArray[Any]:
    """Return the items when they are pictures.

    Raises
    ------
    NotCaptured
        When they have other axes; the message names the shape.
    """
    if not is_pictures(items):
        raise NotCaptured(
            f"{what} are no pictures: their shape is {items.shape}, pictures have (sample, channel, row, "
            "column); see them with the view 'array'"
        )
    return items
