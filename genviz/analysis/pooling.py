"""Long attention maps: pooled to a picture, or a tile of them in full, without ever holding T × T numbers.

Scores are worked out in tiles that stay in the processor's cache, only where the mask lets a query look.
One pass gives the largest and the mean weight of every block and, for every row, what its softmax divides
by; with that, any tile is a small product of its own. The pass is the online softmax of Milakov and
Gimelshein (2018, arXiv:1805.02867), as FlashAttention uses it (arXiv:2205.14135), with pooling in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genviz.attention import AttentionInputs, MaskRule
from genviz.shapes import Bool, Float32, Int, Int32

Rows = NDArray[np.integer[Any]]
Pooling = Literal["max", "mean"]

TILE = 384  # queries and keys of one product: its scores fit the cache of one core
COMPILED_FROM = 10**8  # cells from which compiled exponentials are worth the second that loading them takes
SAFE = 60.0  # scores up to here need no maximum taken off: exp(±60) times a million keys fits float32


@dataclass(frozen=True)
class RowSums:
    """What turns the scores of a row into weights: ``exp(score - peak) / total``.

    Parameters
    ----------
    peak, total : float32 array (query,)
        ``log(total) + peak`` is the row's log-sum-exp, kept in two parts because large scores would lose
        digits in one. ``total`` is 0 for a row that sees no key.
    """

    peak: Float32[np.ndarray, " query"]
    total: Float32[np.ndarray, " query"]

    def of(self, rows: range) -> "RowSums":
        """Return the sums of some rows."""
        chosen = slice(rows.start, rows.stop, rows.step)
        return RowSums(self.peak[chosen], self.total[chosen])


@dataclass(frozen=True)
class Overview:
    """A map, or a part of it, pooled to few cells.

    Parameters
    ----------
    largest, mean : float32 array, (queries, keys), a block of each
        Largest weight of the block, and the mean over the cells that may be attended to. NaN where no cell
        may be (``seen`` tells this from a NaN weight).
    seen : bool array, (queries, keys)
        True where at least one cell of the block may be attended to.
    rows, keys : range
        Which queries were worked out (every k-th one, when its step is k), and which keys.
    block : (int, int)
        Worked-out queries, and keys, in one block (the last may hold fewer). In blocks of ``(1, 1)``
        ``largest`` is the weight itself.
    sums : RowSums, optional
        Of ``rows``; None when weights were pooled that the model had worked out itself.
    """

    largest: Float32[np.ndarray, "queries keys"]
    mean: Float32[np.ndarray, "queries keys"]
    seen: Bool[np.ndarray, "queries keys"]
    rows: range
    keys: range
    block: tuple[int, int]
    sums: RowSums | None = None

    def values(self, how: Pooling) -> Float32[np.ndarray, "queries keys"]:
        """The largest or the mean weights."""
        return self.largest if how == "max" else self.mean


def pooled(
    inputs: AttentionInputs,
    head: int,
    *,
    rows: range | None = None,
    keys: range | None = None,
    size: int = 512,
    sums: RowSums | None = None,
    report: Callable[[float], None] | None = None,
) -> Overview:
    """Pool the weights of one head block by block.

    Parameters
    ----------
    inputs : AttentionInputs
    head : int
    rows, keys : range, optional
        The part that is looked at; everything without them. ``rows`` may have a step, ``keys`` has none.
    size : int
        At most this many blocks along each axis; as many as there are cells give every weight.
    sums : RowSums, optional
        Of ``rows``, when they are known from an earlier pass.
    report : callable, optional
        Told the share that is done, from 0 to 1, after each step; what it raises stops the work.

    Examples
    --------
    >>> inputs = AttentionInputs(np.eye(2)[None], np.eye(2)[None], MaskRule(causal=True))
    >>> pooled(inputs, 0).largest.round(3).tolist()
    [[1.0, nan], [0.269, 0.731]]
    """
    rows = range(inputs.shape[0]) if rows is None else rows
    keys = range(inputs.shape[1]) if keys is None else keys
    if sums is None and not _whole(inputs, rows, keys):
        sums = row_sums(inputs, head, rows, report=report)
    height, width = -(-len(rows) // size), -(-len(keys) // size)
    tiles = _Tiles(inputs, head, keys, width=width, cells=len(rows) * len(keys))
    parts = []
    for chunk in _chunks(rows, height):
        known = None if sums is None else sums.of(range(chunk.start, chunk.stop))
        parts.append(_pool(_run(tiles, rows[chunk.start : chunk.stop], known), height))
        if report is not None:
            report(chunk.stop / len(rows))
    largest, total, count, peak, divisor = (np.concatenate(part) for part in zip(*parts, strict=True))
    shown = np.s_[:, : -(-len(keys) // width)]  # the last tile may end in blocks of no key
    pictures = _finished(largest[shown], total[shown], count[shown])
    return Overview(*pictures, rows, keys, (height, width), sums or RowSums(peak, divisor))


def row_sums(
    inputs: AttentionInputs, head: int, rows: range, *, report: Callable[[float], None] | None = None
) -> RowSums:
    """Work out what the softmax of some rows divides by.

    Parameters
    ----------
    inputs : AttentionInputs
    head : int
    rows : range
    report : callable, optional
        As in :func:`pooled`.
    """
    keys = range(inputs.shape[1])
    tiles = _Tiles(inputs, head, keys, width=min(TILE, len(keys)), cells=len(rows) * len(keys))
    runs = []
    for chunk in _chunks(rows, 1):
        runs.append(_run(tiles, rows[chunk.start : chunk.stop], None))
        if report is not None:
            report(chunk.stop / len(rows))
    return RowSums(np.concatenate([run.peak for run in runs]), np.concatenate([run.total for run in runs]))


def pooled_rows(
    weights: Callable[[Rows], NDArray[np.floating[Any]]],
    allowed: Callable[[Rows], NDArray[np.bool_]],
    *,
    rows: range,
    keys: range,
    size: int = 512,
) -> Overview:
    """Pool weights that are there already, or that are put together from many calls, chunk by chunk.

    Parameters
    ----------
    weights, allowed : callable
        ``weights(rows)`` and ``allowed(rows)`` give ``(row, key)`` for the rows asked for, and all keys.
    rows, keys : range
        The part that is looked at.
    size : int
        At most this many blocks along each axis.
    """
    block = -(-len(rows) // size), -(-len(keys) // size)
    columns = slice(keys.start, keys.stop)
    parts = []
    for chunk in _chunks(rows, block[0]):
        at = np.asarray(rows[chunk.start : chunk.stop])
        may = allowed(at)[:, columns]
        found = np.where(may, weights(at)[:, columns], np.float32(0))
        operations = (np.maximum, found), (np.add, found), (np.add, may.astype(np.int32))
        parts.append([_reduce(operation, array, block) for operation, array in operations])
    largest, total, count = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Overview(*_finished(largest, total, count), rows, keys, block)


def _finished(
    largest: Float32[np.ndarray, "queries keys"],
    total: Float32[np.ndarray, "queries keys"],
    count: Int[np.ndarray, "queries keys"],
) -> tuple[
    Float32[np.ndarray, "queries keys"], Float32[np.ndarray, "queries keys"], Bool[np.ndarray, "queries keys"]
]:
    """Largest, mean and seen: NaN where nothing may be looked at."""
    seen = count > 0
    mean = np.divide(total, count, out=np.full(seen.shape, np.nan, np.float32), where=seen)
    return np.where(seen, largest, np.float32(np.nan)), mean, seen


def _reduce(operation: np.ufunc, array: NDArray[Any], block: tuple[int, int]) -> NDArray[Any]:
    across = operation.reduceat(array, np.arange(0, array.shape[1], block[1]), axis=1)
    return np.asarray(operation.reduceat(across, np.arange(0, array.shape[0], block[0]), axis=0))


def _whole(inputs: AttentionInputs, rows: range, keys: range) -> bool:
    """Tell whether the rows see nothing outside of the keys."""
    span = inputs.rule.span(rows, inputs.shape[1])
    return not span or (keys.start <= span.start and span.stop <= keys.stop)


def _chunks(rows: range, height: int) -> Iterator[range]:
    step = max(1, TILE // height) * height
    for start in range(0, len(rows), step):
        yield range(start, min(start + step, len(rows)))


class _Tiles:
    """Keys of one head in tiles of whole blocks.

    Within a tile the n-th keys of all its blocks lie together: reducing a block is then a reduction along
    the leading axis, which runs at the speed of memory.
    """

    def __init__(self, inputs: AttentionInputs, head: int, keys: range, *, width: int, cells: int) -> None:
        self.inputs, self.head, self.keys, self.width = inputs, head, keys, width
        self.blocks = max(1, min(TILE, len(keys)) // width)
        self.side = self.blocks * width
        group = head // (inputs.heads // inputs.key.shape[0])
        found = np.asarray(inputs.key[group, keys.start : keys.stop], np.float32)
        self.count = -(-len(keys) // self.side)
        padded = np.zeros((self.count * self.side, found.shape[1]), np.float32)
        padded[: len(keys)] = found
        parts = padded.reshape(self.count, self.blocks, width, -1).swapaxes(1, 2)
        self.products = np.ascontiguousarray(parts).reshape(self.count, self.side, -1)
        self.longest = float(np.sqrt(np.einsum("kc,kc->k", found, found).max(initial=0)))
        self.order = np.arange(self.side).reshape(self.blocks, width).T.ravel()
        self.memory = np.empty(self.side * TILE, np.float32)
        self.compiled = cells >= COMPILED_FROM

    def seen_from(self, rows: range) -> range:
        """Tiles in which the rows may see anything."""
        span = self.inputs.rule.span(rows, self.inputs.shape[1])
        first = max(span.start, self.keys.start) - self.keys.start
        last = min(span.stop, self.keys.stop) - self.keys.start
        return range(first // self.side, -(-last // self.side)) if first < last else range(0)

    def queries(self, rows: range) -> Float32[np.ndarray, "channel query"]:
        """Scaled queries, ``(channel, row)``."""
        found = np.asarray(self.inputs.query[self.head, rows.start : rows.stop : rows.step], np.float32)
        return np.ascontiguousarray((found * np.float32(self.inputs.rule.scale)).T)

    def harmless(self, queries: Float32[np.ndarray, "channel query"]) -> bool:
        """Tell whether no score can be so large that its exponential leaves float32 (Cauchy–Schwarz)."""
        bound = float(np.sqrt(np.einsum("cr,cr->r", queries, queries).max(initial=0))) * self.longest
        if self.inputs.rule.softcap is not None:
            bound = min(bound, self.inputs.rule.softcap)
        sink = 0.0 if self.inputs.sinks is None else abs(float(self.inputs.sinks[self.head]))
        return self.inputs.bias is None and bound <= SAFE and sink <= SAFE  # never with NaN

    def scores(
        self, tile: int, queries: Float32[np.ndarray, "channel query"], rows: range
    ) -> tuple[Float32[np.ndarray, "key query"], Bool[np.ndarray, "key query"] | None]:
        """Scores of a tile, ``(key, row)``, ``-inf`` where masked, and where that is (None: nowhere)."""
        needed = self.side * len(rows)
        self.memory = self.memory if self.memory.size >= needed else np.empty(needed, np.float32)
        scores = self.memory[:needed].reshape(self.side, len(rows))
        np.matmul(self.products[tile], queries, out=scores)
        if self.inputs.rule.softcap is not None:
            scores /= np.float32(self.inputs.rule.softcap)
            np.tanh(scores, out=scores)
            scores *= np.float32(self.inputs.rule.softcap)
        if self.inputs.bias is not None:
            scores += self._bias(tile, rows)
        masked = self._masked(tile, rows)
        if masked is not None:
            np.copyto(scores, np.float32(-np.inf), where=masked)
        return scores, masked

    def exponentials(self, scores: Float32[np.ndarray, "key query"]) -> None:
        """Replace scores by their exponentials."""
        if self.compiled:
            from genviz.analysis.exponentials import exponentials  # brings numba, which takes a second

            exponentials(scores.reshape(-1))
        else:
            np.exp(scores, out=scores)

    def _keys(self, tile: int) -> Int[np.ndarray, " key"]:
        return np.asarray(self.keys.start + tile * self.side + self.order)

    def _bias(self, tile: int, rows: range) -> Float32[np.ndarray, "key queries_or_1"]:
        assert self.inputs.bias is not None
        bias = self.inputs.bias[self.head if self.inputs.bias.shape[0] > 1 else 0]
        chosen = bias[rows.start : rows.stop : rows.step] if bias.shape[0] > 1 else bias
        within = np.minimum(self._keys(tile), self.inputs.shape[1] - 1)
        return np.asarray(chosen[:, within].T, np.float32)

    def _masked(self, tile: int, rows: range) -> Bool[np.ndarray, "key query"] | None:
        start = self.keys.start + tile * self.side
        span = range(start, min(start + self.side, self.keys.stop))
        mask = self.inputs.key_mask
        open_ = mask is None or bool(mask[span.start : span.stop].all())
        ruled = not self.inputs.rule.frees(rows, span)
        if open_ and not ruled and len(span) == self.side:
            return None
        masked = np.zeros((self.side, len(rows)), bool)
        if ruled:
            ahead = rows.start + self.inputs.rule.offset - start
            shape = (len(rows), rows.step, self.blocks, self.width)
            masked |= _ruled_out(self.inputs.rule.causal, self.inputs.rule.window, ahead, shape)
        if len(span) < self.side:
            masked |= (self._keys(tile) >= span.stop)[:, None]
        if not open_ and mask is not None:
            masked |= ~mask[np.minimum(self._keys(tile), len(mask) - 1)][:, None]
        return masked


@lru_cache(maxsize=16)
def _ruled_out(
    causal: bool, window: int | None, ahead: int, shape: tuple[int, int, int, int]
) -> Bool[np.ndarray, "key query"]:
    """Cells of a tile that the rule masks; tiles along a diagonal are alike."""
    count, step, blocks, width = shape
    keys = np.arange(blocks * width).reshape(blocks, width).T.ravel()
    rule = MaskRule(causal=causal, window=window, offset=ahead)
    return np.ascontiguousarray(~rule.allowed(np.arange(count) * step, keys).T)


@dataclass(frozen=True)
class _Run:
    """Weights of some rows, pooled along the keys: ``(key block, row)`` each."""

    largest: Float32[np.ndarray, "keys query"]
    total_of: Float32[np.ndarray, "keys query"]
    count: Int32[np.ndarray, "keys query"]
    peak: Float32[np.ndarray, " query"]
    total: Float32[np.ndarray, " query"]


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def _run(tiles: _Tiles, rows: range, sums: RowSums | None) -> _Run:
    """One pass over the keys that some rows see."""
    queries, wide = tiles.queries(rows), tiles.count * tiles.blocks
    largest, total_of = (np.zeros((wide, len(rows)), np.float32) for _ in range(2))
    count = np.zeros((wide, len(rows)), np.int32)
    harmless, seen = tiles.harmless(queries), tiles.seen_from(rows)
    peaks = np.full((len(seen), len(rows)), 0 if harmless else -np.inf, np.float32)
    for number, tile in enumerate(seen):
        scores, masked = tiles.scores(tile, queries, rows)
        here = np.s_[tile * tiles.blocks : (tile + 1) * tiles.blocks]
        cells = scores.reshape(tiles.width, -1)
        if not harmless:
            scores.max(axis=0, out=peaks[number])
            scores -= np.where(np.isneginf(peaks[number]), np.float32(0), peaks[number])
        tiles.exponentials(cells)
        np.maximum.reduce(cells, axis=0, out=largest[here].reshape(-1))
        np.add.reduce(cells, axis=0, out=total_of[here].reshape(-1))
        free = tiles.width if masked is None else tiles.width - _counted(masked, tiles.width)
        count[here] = free
    sink = None if tiles.inputs.sinks is None else np.float32(tiles.inputs.sinks[tiles.head])
    peak = _highest(peaks, sink) if sums is None else sums.peak
    by_tile = slice(seen.start * tiles.blocks, seen.stop * tiles.blocks)
    if seen and not (harmless and not peak.any()):
        factor = np.repeat(np.exp(peaks - peak), tiles.blocks, axis=0)
        largest[by_tile] *= factor
        total_of[by_tile] *= factor
    total = sums.total if sums is not None else total_of.sum(axis=0)
    if sums is None and sink is not None:
        total = total + np.exp(sink - peak)
    scale = np.where(total == 0, np.float32(0), 1 / total)
    largest *= scale
    total_of *= scale
    return _Run(largest, total_of, count, peak, total)


def _counted(masked: Bool[np.ndarray, "key query"], width: int) -> Int32[np.ndarray, "keys query"]:
    per_block = masked.reshape(width, -1, masked.shape[1]).sum(axis=0, dtype=np.int32)
    return np.asarray(per_block, np.int32)


def _highest(
    peaks: Float32[np.ndarray, "tile query"], sink: np.float32 | None
) -> Float32[np.ndarray, " query"]:
    peak = peaks.max(axis=0, initial=-np.inf if sink is None else sink)
    return np.asarray(np.where(np.isneginf(peak), np.float32(0), peak), np.float32)


def _pool(run: _Run, height: int) -> tuple[NDArray[Any], ...]:
    """Pool along the rows as well: ``(query block, key block)`` each."""
    if height == 1:
        return run.largest.T, run.total_of.T, run.count.T, run.peak, run.total
    edges = np.arange(0, run.largest.shape[1], height)
    largest = np.maximum.reduceat(run.largest, edges, axis=1).T
    total, count = (np.add.reduceat(each, edges, axis=1).T for each in (run.total_of, run.count))
    return largest, total, count, run.peak, run.total
