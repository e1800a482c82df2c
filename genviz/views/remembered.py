"""What working out long attention maps left behind, kept with the recording: sums of rows, last pictures."""

from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

from genviz.analysis.pooling import Overview, RowSums
from genviz.recording import Recording

Place = tuple[Any, ...]  # site, sample, call, head
SUMS_KEPT = 64
OVERVIEWS_KEPT = 8  # pictures, 2.4 MB each
WORTH_KEEPING = 2**24  # cells from which working a picture out anew is felt

_SUMS: WeakKeyDictionary[Recording, OrderedDict[tuple[Place, range], RowSums]] = WeakKeyDictionary()
_OVERVIEWS: WeakKeyDictionary[Recording, OrderedDict[tuple[Place, range, range, int], Overview]] = (
    WeakKeyDictionary()
)


def known_sums(recording: Recording, place: Place, rows: range) -> RowSums | None:
    """What the softmax of some rows divides by, where these rows, or more of them, were worked out before."""
    for (where, there), sums in list(_SUMS.get(recording, {}).items()):
        fits = there.step in (1, rows.step) and rows[0] in there and rows[-1] in there
        if where == place and fits:
            first, step = there.index(rows[0]), rows.step // there.step
            return sums.of(range(first, there.index(rows[-1]) + 1, step))
    return None


def known_overview(
    recording: Recording, place: Place, rows: range, keys: range, *, size: int | None = None
) -> Overview | None:
    """A picture that was worked out before, of that size or of any."""
    for (where, *part, blocks), found in list(_OVERVIEWS.get(recording, {}).items()):
        if where == place and part == [rows, keys] and size in (None, blocks):
            return found
    return None


def remember(recording: Recording, place: Place, overview: Overview, *, size: int) -> None:
    """Keep an overview's sums, and the overview itself where it is large; the oldest make room."""
    if overview.sums is not None:
        _keep(_SUMS.setdefault(recording, OrderedDict()), (place, overview.rows), overview.sums, SUMS_KEPT)
    if len(overview.rows) * len(overview.keys) > WORTH_KEEPING:
        key = place, overview.rows, overview.keys, size
        _keep(_OVERVIEWS.setdefault(recording, OrderedDict()), key, overview, OVERVIEWS_KEPT)


def _keep(known: OrderedDict[Any, Any], key: Any, found: Any, most: int) -> None:
    known[key] = found
    while len(known) > most:
        known.popitem(last=False)
