"""Which token looks at which, as lines between words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures import attention_lines as figures
from genviz.views.attending import ALL_CALLS, head_controls, longest
from genviz.views.base import View
from genviz.views.controls import Control, Number
from genviz.views.looking import Looked, head_or_mean, look_controls, title_of
from genviz.views.picked import column_of, pair_controls, require_place
from genviz.views.subject import Subject

ALL_UP_TO = 24  # tokens per side that are all shown
SHOWN = 16  # … of a longer text, whose small print needs room too
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class _Chosen:
    """Tokens of a long text that are shown on one side.

    Parameters
    ----------
    positions : int array
    how : str
        How they were chosen, in words.
    """

    positions: Positions
    how: str = ""

    @classmethod
    def window(cls, first: int, length: int, what: str) -> "_Chosen":
        """Tokens side by side."""
        start = max(0, min(first, length - SHOWN))
        stop = min(start + SHOWN, length)
        return cls(np.arange(start, stop), f"{what} {start:,}–{stop - 1:,} of {length:,}")

    @classmethod
    def strongest(cls, weights: NDArray[np.floating[Any]], keep: int | None, how: str) -> "_Chosen":
        """Those with the most weight, and one that is picked, in the text's order."""
        found = np.argsort(-np.nan_to_num(weights), kind="stable")[:SHOWN]
        if keep is not None and keep not in found:
            found[-1] = keep
        return cls(np.sort(found), how)

    def side(self, names: list[Any], picked: int | None) -> figures.Side:
        """For the figure."""
        places = np.flatnonzero(self.positions == (-1 if picked is None else picked))
        return figures.Side(
            [names[at] for at in self.positions], self.positions, int(places[0]) if len(places) else None
        )


_WEAKEST = Number(
    "threshold", "Weakest link", 0.05, minimum=0.0, maximum=1.0, step=0.01,
    help="Weaker links are not drawn; the small print says how much weight that hides.",
)  # fmt: skip


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    most = longest(recording)
    controls: list[Control] = [
        *head_controls(subject),
        *look_controls(subject, heads=True, threshold=False),
        *pair_controls(recording),
        _WEAKEST,
    ]
    if most > ALL_UP_TO:
        last = most - 1
        told = f"First of the {SHOWN} queries shown."
        controls.append(Number("first", "From token", 0, minimum=0, maximum=last, help=told))
    return tuple(controls)


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, query: tuple[int, ...], key: tuple[int, ...],
    first: int = 0, sample: int = 0, call: Any = ALL_CALLS, **look: Any,
) -> go.Figure:  # fmt: skip
    here = Looked.of(subject.recorded(), site, sample, call=call, look=look)
    shown = head_or_mean(head, look)
    row, column = require_place(here, 0, query), require_place(here, 1, key)
    queries = _queries(here, shown, (row, column), first)
    weights = here.weights(shown, queries.positions)
    keys = _keys(here, weights, np.flatnonzero(queries.positions == row), column)
    drawn = weights[:, keys.positions]
    return figures.attention_lines(
        drawn,
        queries=queries.side(here.names[0], row),
        keys=keys.side(here.names[1], column),
        threshold=here.threshold,
        note=f"{_said(queries, keys)}{here.said(shown, weak=False)}",
        title=title_of(here, shown),
        theme=theme,
    )


def _queries(here: Looked, head: int | None, picked: tuple[int | None, int | None], first: int) -> _Chosen:
    """Queries on the left: those that look most at a picked key, else some side by side."""
    length, (row, column) = here.shape[0], picked
    if length <= ALL_UP_TO:
        return _Chosen(np.arange(length))
    if column is not None and (received := column_of(here, head, column)) is not None:
        return _Chosen.strongest(
            received, row, f"the {SHOWN} of {length:,} queries that look most at key {column:,}"
        )
    start = (
        first if row is None and column is None else (row if row is not None else column or 0) - SHOWN // 2
    )
    return _Chosen.window(start, length, "queries")


def _keys(here: Looked, weights: NDArray[np.float32], row: Positions, column: int | None) -> _Chosen:
    """Keys on the right: those that the queries shown (or the picked one) look at most."""
    length = here.shape[1]
    if length <= ALL_UP_TO:
        return _Chosen(np.arange(length))
    own = weights[row] if len(row) else weights
    total = np.nan_to_num(own).sum(axis=0, dtype=np.float64)
    whose = "it looks" if len(row) else "these look"
    found = _Chosen.strongest(total, column, "")
    share = total[found.positions].sum() / (total.sum() or 1.0)
    return _Chosen(
        found.positions, f"the {SHOWN} of {length:,} keys {whose} at most ({share:.1%} of the weight)"
    )


def _said(queries: _Chosen, keys: _Chosen) -> str:
    parts = [f"{side}: {each.how}" for side, each in (("Left", queries), ("right", keys)) if each.how]
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}. " if parts else ""


attention_lines = View(
    name="attention_lines",
    title="Attention as lines",
    question="What does each word look at?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
