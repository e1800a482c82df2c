"""Which axis of a transformer's arrays is which, after attention in the same run has said it.

Queries are known by sample and position. The arrays beside them come as the model lays them out: positions
first (``batch_first=False``, PyTorch's own default), without a sample axis, or with both in one; they are
kept as ``(sample, token, …)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from genviz.capture.attention.code import called
from genviz.capture.copies import Kept
from genviz.capture.modules import Network, parent
from genviz.kinds import KINDS
from genviz.recording import Entry

_TURNING = {"transpose", "permute", "movedim", "swapaxes", "rearrange", "moveaxis", "T", "mT"}
_OUTSIDE = {"ids", "embedding", "position", "logits", "top_logits", "top_ids", "logsumexp"}
_Change = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Extent:
    """What attention in one run said.

    Parameters
    ----------
    samples : int
    lengths : frozenset of int
        Positions of each sequence.
    """

    samples: int
    lengths: frozenset[int]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Extent | None":
        """Of a run's entries; None without attention, or where its calls disagree (windows, frames)."""
        attention = [entry for entry in entries if entry.kind in ("attention", "query")]
        samples = {entry.shape[0] for entry in attention}
        lengths = {entry.shape[entry.axes.index("query")] for entry in attention}
        return cls(samples.pop(), frozenset(lengths)) if len(samples) == 1 else None


def settled(entry: Entry, extent: Extent, positions_first: bool) -> Entry | None:
    """The entry with its axes in the kind's order, or None where they are so already or cannot be told.

    Parameters
    ----------
    entry : Entry
    extent : Extent
    positions_first : bool
        What to believe of a square one.
    """
    axes = KINDS[entry.kind].axes
    if axes[:2] != ("sample", "token") or not isinstance(entry.load, Kept):
        return None
    change = _change(entry.shape, len(axes), extent, positions_first)
    if change is None:
        return None
    kept = entry.load.changed(change)
    return replace(entry, axes=axes, shape=kept.shape, load=kept)


def _change(shape: tuple[int, ...], rank: int, extent: Extent, positions_first: bool) -> _Change | None:
    samples, lengths = extent.samples, extent.lengths
    if len(shape) == rank:
        usual = shape[0] == samples and shape[1] in lengths
        turned = shape[1] == samples and shape[0] in lengths
        return (lambda tensor: tensor.transpose(0, 1)) if turned and (positions_first or not usual) else None
    if len(shape) == rank - 1 and shape[0] in {samples * length for length in lengths}:
        return lambda tensor: tensor.unflatten(0, (samples, -1))
    return None


class Layout:
    """Reads how the parts of one model lay their arrays out.

    Parameters
    ----------
    network : Network
    attends : tuple of str
        Paths of its attention modules.
    """

    def __init__(self, network: Network, attends: tuple[str, ...]) -> None:
        self._network, self._attends = network, attends
        self._first: dict[str, bool] = {}

    def settle(self, entries: list[Entry]) -> dict[int, Entry]:
        """What to put in place of which entries of one run, by ``id``."""
        extent = Extent.of(entries) if self._attends else None
        if extent is None:
            return {}
        found = ((entry, settled(entry, extent, self._positions_first(entry))) for entry in entries)
        return {id(entry): new for entry, new in found if new is not None}

    def _positions_first(self, entry: Entry) -> bool:
        if entry.site not in self._first:
            outside = entry.kind in _OUTSIDE or entry.site not in self._network.modules
            self._first[entry.site] = not outside and self._says(entry.site)
        return self._first[entry.site]

    def _says(self, site: str) -> bool:
        """Read ``batch_first=False`` of the attention at a site, or of the block that it stands in."""
        for path in self._attends:
            block = parent(path)
            if site == path:
                return _first(self._network[path])
            if _first(self._network[path]) and (
                site == block or site.startswith(f"{block}." if block else "")
            ):
                return called(type(self._network[block])).isdisjoint(_TURNING)
        return False


def _first(module: nn.Module) -> bool:
    says: Any = getattr(module, "batch_first", None)
    return says is False
