"""A query and a key that were picked in one picture of attention, and that all others follow."""

import numpy as np
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views.attending import AttentionSite, longest
from genviz.views.controls import Control, Picks
from genviz.views.looking import Looked
from genviz.views.windows import AT_ONCE


def pair_controls(recording: Recording) -> tuple[Control, Control]:
    """One query and one key, at first none."""
    most = longest(recording)
    return (
        Picks("query", "One query", (), count=most, most=1, help="Click a word on the left, or a map."),
        Picks("key", "One key", (), count=most, most=1, help="Click a word on the right, or a map."),
    )


def require_place(here: Looked | AttentionSite, axis: int, picked: tuple[int, ...]) -> int | None:
    """The position that was picked along the queries (axis 0) or the keys (axis 1); None for none.

    Raises
    ------
    NotCaptured
        When there is no such position at this site: its text is shorter.
    """
    if not picked:
        return None
    what, many = (("query", "queries"), ("key", "keys"))[axis]
    if picked[0] >= here.shape[axis]:
        raise NotCaptured(
            f"no {what} {picked[0]} at {here.site!r}: it has {many} 0 … {here.shape[axis] - 1}; pick another"
        )
    return picked[0]


def column_of(here: Looked, head: int | None, key: int) -> NDArray[np.float32] | None:
    """Weight that every query has for a key, NaN where it may not look; None where that would take long."""
    rows, only = range(here.shape[0]), range(key, key + 1)
    if here.work(head, rows, only) > AT_ONCE:
        return None
    return here.overview(head, rows=rows, keys=only, size=len(rows)).largest[:, 0]
