"""Position vectors that are added to token vectors: tables that were seen, or what enters besides tokens."""

from itertools import dropwhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.positions import TOLERANCE, sinusoid_of
from genviz.live.entering import INPUT, SIDES, entered, on_side
from genviz.recording import Entry, Recording

#: The largest difference between positions that is only rounding, as a share of the largest value.
_ROUNDING = 1e-4

Floats = NDArray[np.float64]


def added(runs: tuple[Recording, Recording], side: str) -> tuple[list[dict[str, Any]], list[str]]:
    """What is added to the token vectors: tables that were seen, or what the first block's input tells."""
    tables = [
        each for each in runs[0].entries(kind="position") if each.call == 0 and _side(runs[0], each) == side
    ]
    if tables:
        return [
            _table(each.site, np.asarray(each.load()[0], np.float64), side, seen=True) for each in tables
        ], []
    inputs = [entered(run, side) for run in runs]
    if any(each is None or each.axes[-2:] != ("token", "channel") for each in inputs):
        return [], []
    first, second = (np.asarray(each.load()[0], np.float64) for each in inputs if each is not None)
    if _constant(first):
        return [], []
    if np.abs((first - first[0]) - (second - second[0])).max() > 1e-3 * np.abs(first - first[0]).max():
        return [], [
            "The first block's input depends on position, but not by a vector that is simply added: it "
            "differs with the token."
        ]
    entry = inputs[0]
    assert entry is not None
    return [_table(entry.site, first - _base(runs, (first, second), side), side, seen=False)], []


def _side(run: Recording, table: Entry) -> str:
    """Which sequence a table of positions is for: that of the stack that runs next.

    A table gets positions, not tokens, so what it was told of its sequence can be wrong where the decoder
    keeps a table of its own. Entries stand in the order in which they were seen.
    """
    later = dropwhile(lambda each: each is not table and each.site != table.site, run.entries())
    following = next((each for each in later if each.site.endswith(INPUT)), table)
    return next(side for side in SIDES if on_side(following, side))


def _base(runs: tuple[Recording, Recording], inputs: tuple[Floats, Floats], side: str) -> Floats:
    """The token's own vector, times what the model multiplies it by; else what enters at the first position.

    Two tokens enter with the same positions, so what enters differs by their scaled vectors.
    """
    own = [_vectors(run, inputs[0].shape, side) for run in runs]
    if own[0] is None or own[1] is None:
        return inputs[0][:1]
    apart, between = own[0] - own[1], inputs[0] - inputs[1]
    scale = float((apart * between).sum() / max(float((apart**2).sum()), 1e-30))
    missed = np.abs(between - scale * apart).max()
    return own[0] * scale if missed <= TOLERANCE * np.abs(between).max() else inputs[0][:1]


def _vectors(run: Recording, shape: tuple[int, ...], side: str) -> Floats | None:
    for each in run.entries(kind="embedding"):
        vectors = each.load()[0]
        if on_side(each, side) and vectors.shape == shape:
            return np.asarray(vectors, np.float64)
    return None


def _table(site: str, table: Floats, side: str, *, seen: bool) -> dict[str, Any]:
    turning = sinusoid_of(table)
    part: dict[str, Any] = {
        "form": "learned" if turning is None else "sinusoidal",
        "site": site,
        "side": side,
        "layers": [],
        "seen": seen,
        "table": table.astype(np.float32),
    }
    if turning is not None:
        part |= {"frequencies": turning.frequencies, "layout": turning.layout, "error": turning.error}
    return part


def _constant(values: Floats) -> bool:
    return bool(np.abs(values - values[:1]).max() <= _ROUNDING * max(float(np.abs(values).max()), 1e-9))
