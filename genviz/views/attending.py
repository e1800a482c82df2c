"""What the attention views share: a site's weights for one sample and call, its masks, the first choice."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.attention import HeadSummary, most_telling, summarise
from genviz.analysis.masking import MASKING_BIAS
from genviz.analysis.pooling import Overview, pooled, pooled_rows
from genviz.attention import AttentionInputs
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.recording.attend import AttentionReader
from genviz.views.controls import Choice, Control, Number
from genviz.views.remembered import known_overview, known_sums, remember
from genviz.views.subject import Subject

Rows = NDArray[np.integer[Any]]
ALL_CALLS = "all"
BIAS_READ_UP_TO = 1024  # tokens up to which what a bias rules out is told from a weight of zero


@dataclass(frozen=True)
class AttentionSite:
    """Attention at one site for one sample: of one call, or of all calls of a ``generate`` put together.

    Parameters
    ----------
    reader : AttentionReader
    call : int or None
        None puts the calls together into one map.
    """

    reader: AttentionReader
    call: int | None

    @classmethod
    def of(cls, recording: Recording, site: str, sample: int, *, call: int | str) -> "AttentionSite":
        """Open a site; ``call="all"`` puts calls together."""
        reader = recording.attention_reader(site, sample=sample)
        only = reader.calls[0] if len(reader.calls) == 1 and call == ALL_CALLS else call
        return cls(reader, None if only == ALL_CALLS else int(only))

    @property
    def site(self) -> str:
        """Module path."""
        return self.reader.site

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.reader.heads

    @cached_property
    def names(self) -> tuple[list[Any], list[Any]]:
        """Tokens (or positions) along the queries and along the keys."""
        return self.reader.tokens(self.call)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of keys."""
        return len(self.names[0]), len(self.names[1])

    @cached_property
    def start(self) -> int:
        """Position of the first query among the keys."""
        if self.call is None:
            return 0
        part = self._parts[0][1]
        return part.rule.offset if isinstance(part, AttentionInputs) else self.reader.offset(self.call)

    def weights(self, head: int, rows: Rows) -> NDArray[np.float32]:
        """Weights of some rows, ``(row, key)``."""
        self._require_head(head)
        out = np.zeros((len(rows), self.shape[1]), np.float32)
        for first, part in self._parts:
            stored = not isinstance(part, AttentionInputs)
            local = rows - first
            inside = (local >= 0) & (local < (part.shape[1] if stored else part.shape[0]))
            if inside.any():
                found = part[head][local[inside]] if stored else part.weights(head, local[inside])
                out[np.flatnonzero(inside), : found.shape[1]] = found
        return out

    def allowed(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell which keys the rows may attend to, ``(row, key)``."""
        out = np.zeros((len(rows), self.shape[1]), bool)
        for first, part in self._parts:
            if isinstance(part, AttentionInputs):
                local = rows - first
                inside = (local >= 0) & (local < part.shape[0])
                may = part.rule.allowed(local[inside], part.shape[1])
                may = may if part.key_mask is None else may & part.key_mask[None, :]
                may = may if part.bias is None else may & ~_ruled_out(part.bias, local[inside])
                out[np.flatnonzero(inside), : may.shape[1]] = may
            else:
                inside = (rows >= first) & (rows < first + part.shape[1])
                out[np.flatnonzero(inside), : part.shape[2]] = _not_ruled_out(part)[rows[inside] - first]
        return out

    def overview(
        self,
        head: int,
        *,
        rows: range | None = None,
        keys: range | None = None,
        size: int = 512,
        report: Callable[[float], None] | None = None,
    ) -> Overview:
        """Pool one head, or a part of it; with as many blocks as cells it gives every weight.

        What every row's softmax divides by is remembered with the recording: a later part is a small product.
        """
        self._require_head(head)
        rows, keys = (given or range(side) for given, side in zip((rows, keys), self.shape, strict=True))
        inputs = self._inputs
        by_bias = inputs is not None and inputs.bias is not None and max(self.shape) <= BIAS_READ_UP_TO
        if inputs is None or by_bias:
            return pooled_rows(partial(self.weights, head), self.allowed, rows=rows, keys=keys, size=size)
        recording, place = self.reader.recording, self._place(head)
        again = known_overview(recording, place, rows, keys, size=size)
        if again is not None:
            return again
        sums = known_sums(recording, place, rows)
        found = pooled(inputs, head, rows=rows, keys=keys, size=size, sums=sums, report=report)
        remember(recording, place, found, size=size)
        return found

    def work(self, head: int, rows: range, keys: range) -> int:
        """Cells that have to be worked out for a part, about."""
        inputs, recording, place = self._inputs, self.reader.recording, self._place(head)
        if inputs is None or known_overview(recording, place, rows, keys) is not None:
            return 0  # a look-up
        wide = known_sums(recording, place, rows) is None
        some = rows[:: max(1, len(rows) // 64)]
        spans = [inputs.rule.span(range(row, row + 1), self.shape[1]) for row in some]
        inside = keys if not wide else range(self.shape[1])
        seen = sum(max(0, min(s.stop, inside.stop) - max(s.start, inside.start)) for s in spans)
        return seen * len(rows) // len(some)

    def inputs_at(self, row: int) -> tuple[AttentionInputs, int]:
        """What one query's weights are worked out from, and its place there.

        Raises
        ------
        NotCaptured
            When the model computed the weights itself and only they were stored.
        """
        first, part = next((first, part) for first, part in reversed(self._parts) if first <= row)
        if not isinstance(part, AttentionInputs):
            self.reader.inputs(self.reader.calls[0])  # raises with the reason
        return part, row - first

    def _place(self, head: int) -> tuple[Any, ...]:
        return self.site, self.reader.sample, self.call, head

    @property
    def _inputs(self) -> AttentionInputs | None:
        only = self._parts[0][1] if len(self._parts) == 1 else None
        return only if isinstance(only, AttentionInputs) else None

    def _require_head(self, head: int) -> None:
        if not 0 <= head < self.heads:
            raise NotCaptured(f"no head {head} at {self.site!r}: it has heads 0 … {self.heads - 1}")

    @cached_property
    def _parts(self) -> list[tuple[int, Any]]:
        calls = self.reader.calls if self.call is None else (self.call,)
        if self.call is None:
            self.reader.read(head=0, call=None, query=0, key=0)  # says so when the calls do not fit together
        parts, start = [], 0
        for call in calls:
            part = self._part(call)
            parts.append((start, part))
            start += part.shape[0] if isinstance(part, AttentionInputs) else part.shape[1]
        return parts

    def _part(self, call: int) -> AttentionInputs | NDArray[np.float32]:
        try:
            return self.reader.inputs(call)
        except NotCaptured:
            return np.stack([self.reader.weights(call, head) for head in range(self.heads)])


def _ruled_out(bias: NDArray[np.floating[Any]], rows: Rows) -> NDArray[np.bool_]:
    """Cells of some rows of which a bias leaves nothing, in every head."""
    own = bias[:, rows] if bias.shape[1] > 1 else bias
    return np.asarray((np.asarray(own, np.float32) <= MASKING_BIAS).all(axis=0))


def _not_ruled_out(stored: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell, where only finished weights were stored, which cells no mask ruled out.

    A softmax gives no exact zero but by a mask (or by underflow, in single cells); so only a triangle or
    whole columns that are zero throughout count as masked.
    """
    zero = (stored == 0).all(axis=0)
    queries, keys = zero.shape
    later = np.arange(keys)[None, :] > np.arange(queries)[:, None] + (keys - queries)
    may = np.ones_like(zero)
    if later.any() and zero[later].all():
        may &= ~later
    visible: NDArray[np.bool_] = may & ~zero.all(axis=0)[None, :]
    return visible


def longest(recording: Recording) -> int:
    """The most queries or keys that attention has at any site."""
    found: list[int] = []
    for site in recording.sites(kind="attention"):
        reader = recording.attention_reader(site)
        found += map(len, reader.tokens(max(reader.calls)))
    return max(found)


def calls_together(recording: Recording) -> bool:
    """Tell whether the calls of every site continue one sequence (as ``generate`` does)."""
    try:
        for site in recording.sites(kind="attention"):
            recording.attention(site, head=0, query=0)
    except NotCaptured:
        return False
    return True


def site_controls(recording: Recording) -> tuple[Control, ...]:
    """Which sample, and which call, for views that show attention."""
    entries = [e for e in recording.entries() if e.kind in ("query", "attention")]
    samples = max(entry.shape[0] for entry in entries)
    calls = sorted({entry.call for entry in entries})
    controls: list[Control] = []
    if samples > 1:
        controls.append(
            Number("sample", "Sample", 0, minimum=0, maximum=samples - 1, help="Item of the batch.")
        )
    if len(calls) > 1:
        options = tuple((call, f"call {call}") for call in calls)
        together = ((ALL_CALLS, "all, as one sequence"),) if calls_together(recording) else ()
        first = ALL_CALLS if together else calls[0]
        controls.append(
            Choice(
                "call",
                "Call",
                first,
                choices=together + options,
                help="The n-th time the model ran; generation runs once per token.",
            )
        )
    return tuple(controls)


def head_controls(subject: Subject) -> tuple[Control, ...]:
    """Site, head, sample and call; first the head that :func:`most_telling` chooses."""
    recording = subject.recorded()
    sites = recording.sites(kind="attention")
    heads = max(e.shape[1] for e in recording.entries() if e.kind in ("query", "attention"))
    site, head = first_head(recording)
    return (
        Choice(
            "site",
            "Where",
            site,
            choices=tuple((name, name or "(model)") for name in sites),
            help="The attention of which layer.",
        ),
        Number(
            "head",
            "Head",
            head,
            minimum=0,
            maximum=heads - 1,
            help="First shown: the most focused head that does not only look at the first token or itself.",
        ),
        *site_controls(recording),
    )


_FIRST: WeakKeyDictionary[Recording, tuple[int, tuple[str, int]]] = WeakKeyDictionary()


def first_head(recording: Recording) -> tuple[str, int]:
    """Site and head of a first sight; remembered until the recording grows."""
    known = _FIRST.get(recording)
    if known is None or known[0] != len(recording):
        known = (len(recording), _choose_head(recording))
        _FIRST[recording] = known
    return known[1]


def _choose_head(recording: Recording, most_sites: int = 16, most_rows: int = 48) -> tuple[str, int]:
    every = recording.sites(kind="attention")
    picked = np.unique(np.linspace(0, len(every) - 1, min(len(every), most_sites)).round().astype(int))
    places: list[tuple[str, int]] = []
    summaries: list[HeadSummary] = []
    for site in (every[at] for at in picked):
        reader = recording.attention_reader(site)
        here = AttentionSite(reader, reader.calls[0])
        few = max(8, min(most_rows, 2**20 // here.shape[1]))  # a long row tells as much as many
        rows = np.unique(np.linspace(0, here.shape[0] - 1, min(here.shape[0], few)).astype(int))
        for head in range(here.heads):
            places.append((site, head))
            summaries.append(summarise(here.weights(head, rows), rows + here.start))
    return places[most_telling(summaries)]
