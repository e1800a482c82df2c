"""Parts of long maps: which queries and keys are looked at, and a sample of rows while all are worked out."""

from collections.abc import Mapping
from typing import Any

from genviz.figures.attention_matrix import every
from genviz.live.progress import report
from genviz.recording import Recording
from genviz.views.base import StandIn
from genviz.views.controls import Choice, Control, Span

SPANS_FROM = 25  # tokens from which a part can be chosen; shorter texts are seen whole
AT_ONCE = 2**27  # cells that are worked out while somebody waits: half a second
SAMPLED = 2**24  # cells of a sample: as many rows as a picture has, at 65,536 tokens
ALL_ROWS, SOME_ROWS = "all", "some"


def longest(recording: Recording) -> tuple[int, int]:
    """Queries and keys of the largest map of a recording."""
    queries = [e.shape[2] for e in recording.entries() if e.kind in ("query", "attention")]
    keys = [
        e.shape[3] if e.kind == "attention" else int(e.attrs.get("key_start", 0)) + e.shape[2]
        for e in recording.entries()
        if e.kind in ("key", "attention")
    ]
    ends = [
        int(e.attrs.get("start", {}).get("query", 0)) + e.shape[2]
        for e in recording.entries()
        if e.kind in ("query", "attention")
    ]
    return max(*queries, *ends), max(keys, default=1)


def span_controls(recording: Recording) -> tuple[Control, ...]:
    """Which part of a map is shown, and how carefully, where it is long enough for the question."""
    queries, keys = longest(recording)
    if max(queries, keys) < SPANS_FROM:
        return ()
    told = "Drag a box in the picture to see that part, drag with Shift to move, double-click for all of it."
    spans = (
        Span("rows", "Queries", (), count=queries, axis="y", help=told),
        Span("keys", "Keys", (), count=keys, axis="x", help=told),
    )
    if queries * keys <= AT_ONCE:
        return spans
    kinds = ((ALL_ROWS, "every row"), (SOME_ROWS, "a sample"))
    told = "A sample of rows is there at once; every row takes a while in long texts."
    return (*spans, Choice("detail", "Worked out", ALL_ROWS, choices=kinds, help=told))


def part(span: tuple[int, ...], length: int) -> range:
    """Positions of a span; it is cut where a text of this site is shorter."""
    if not span:
        return range(length)
    return range(min(span[0], length - 1), min(span[1] + 1, length))


def sample(rows: range, work: int) -> range:
    """Every k-th row, so that about ``SAMPLED`` of ``work`` cells have to be worked out."""
    step = max(1, min(-(-work // SAMPLED), len(rows) // 16))
    return rows[step // 2 :: step]


def stand_in(rows: range, work: int) -> StandIn | None:
    """A sample of the rows, while all of them take longer than somebody likes to wait."""
    if work <= AT_ONCE:
        return None
    says = f"From {every(sample(rows, work).step)} row so far; all are being worked out"
    return StandIn({"detail": SOME_ROWS}, says, patience=0)


def tell(share: float) -> None:
    """Say how far a map is, to whoever waits for it."""
    report(share, f"{share:.0%}")


def spelled(rows: range, keys: range, whole: tuple[int, int]) -> str:
    """The part that is shown, for a title; nothing when it is all."""
    if (len(rows), len(keys)) == whole:
        return ""
    return f" · queries {rows[0]}–{rows[-1]}, keys {keys[0]}–{keys[-1]}"


def chosen_parts(look: Mapping[str, Any], shape: tuple[int, int]) -> tuple[range, range]:
    """Queries and keys that the controls ask for."""
    return part(look.get("rows", ()), shape[0]), part(look.get("keys", ()), shape[1])
