"""Keys of one site over a generation: only what is new is kept, when the rest is truly the same."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Continuation:
    """How one call's keys continue those of the calls before.

    Parameters
    ----------
    start : int
        Keys that were there before and are the same; 0 when nothing is continued.
    dropped : int
        How many of the oldest are no longer in the cache (a sliding window).
    """

    start: int = 0
    dropped: int = 0


class KeyHistory:
    """Every key of one site so far.

    One forward pass costs nothing more than its own keys; from the second on a buffer that doubles is kept,
    because a cache may be changed in place and only values of our own can be compared with.
    """

    def __init__(self) -> None:
        self._buffer: torch.Tensor | None = None
        self._length = 0

    @property
    def length(self) -> int:
        """How many keys are known."""
        return self._length

    def continued(self, key: torch.Tensor, queries: int, running: bool) -> Continuation:
        """Compare keys with those known.

        Parameters
        ----------
        key : tensor (sample, group, key, channel)
        queries : int
            Queries of this call; a cache grows by as many keys.
        running : bool
            Whether the model is known to continue a sequence in this run: then unchanged keys
            (cross-attention) continue too.
        """
        known = self._buffer
        if known is None or known.shape[:2] != key.shape[:2] or known.shape[3] != key.shape[3]:
            return Continuation()
        if known.dtype != key.dtype or known.device != key.device:
            return Continuation()
        length, count = self._length, key.shape[2]
        if running and count == length and torch.equal(key, known[:, :, :length]):
            return Continuation(start=length)
        old = count - queries
        if not 0 < old <= length or not torch.equal(key[:, :, :old], known[:, :, length - old : length]):
            return Continuation()
        return Continuation(start=length, dropped=length - old)

    def restart(self, key: torch.Tensor) -> None:
        """Begin anew with the keys of one call (a snapshot)."""
        self._buffer, self._length = key, key.shape[2]

    def extend(self, key: torch.Tensor) -> None:
        """Add the new keys of one call (a snapshot)."""
        assert self._buffer is not None
        needed = self._length + key.shape[2]
        if needed > self._buffer.shape[2]:
            samples, groups, _, channels = key.shape
            grown = key.new_empty(samples, groups, max(2 * self._length, needed), channels)
            grown[:, :, : self._length] = self._buffer[:, :, : self._length]
            self._buffer = grown
        self._buffer[:, :, self._length : needed] = key
        self._length = needed
