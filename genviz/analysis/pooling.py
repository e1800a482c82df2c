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

TILE = 512  # queries and keys of one product: its scores stay in the caches of one core
SPARSE = 32  # queries of one product, at least, when they are a sample
COMPILED_FROM = 10**8  # cells from which compiled exponentials are worth the second that loading them takes


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
        parts.append(_pool(_run(tiles, rows[chunk.start : chunk.stop], known), tiles, height))
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
    whole = len(array) // block[0] * block[0]
    down = [operation.reduce(array[:whole].reshape(-1, block[0], array.shape[1]), axis=1)]
    if whole < len(array):
        down.append(operation.reduce(array[whole:], axis=0, keepdims=True))
    return np.asarray(
        operation.reduceat(np.concatenate(down), np.arange(0, array.shape[1], block[1]), axis=1)
    )


def _whole(inputs: AttentionInputs, rows: range, keys: range) -> bool:
    """Tell whether the rows see nothing outside of the keys."""
    span = inputs.rule.span(rows, inputs.shape[1])
    return not span or (keys.start <= span.start and span.stop <= keys.stop)


def _chunks(rows: range, height: int) -> Iterator[range]:
    """Rows of one product; of a sample fewer, because more would lie far apart and see other keys."""
    step = max(1, max(SPARSE, TILE // rows.step) // height) * height
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

    def add_up(
        self,
        scores: Float32[np.ndarray, "key query"],
        taken_off: Float32[np.ndarray, " query"],
        out: Float32[np.ndarray, "keys query"],
    ) -> None:
        """Sum the exponentials of each block's scores; what is taken off first differs from row to row."""
        by_block = scores.reshape(self.width, self.blocks, -1)
        if self.compiled:
            from genviz.analysis.exponentials import (
                sums_of_exponentials,
            )  # brings numba, which takes a second

            sums_of_exponentials(by_block, taken_off, out)
        else:
            np.subtract(by_block, taken_off, out=by_block)
            np.exp(by_block, out=by_block)
            np.add.reduce(by_block, axis=0, out=out)

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
    """Some rows, pooled along the keys of the tiles that they see: ``(key block, row)`` each.

    The exponential is monotone: the largest weight of a block is that of its largest score, so that the row's
    own maximum, which its exponentials need first, costs no pass of its own.
    """

    seen: slice
    score: Float32[np.ndarray, "keys query"]
    total_of: Float32[np.ndarray, "keys query"]
    count: Int32[np.ndarray, "keys query"]
    peak: Float32[np.ndarray, " query"]
    total: Float32[np.ndarray, " query"]


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def _run(tiles: _Tiles, rows: range, sums: RowSums | None) -> _Run:
    """One pass over the keys that some rows see."""
    queries, seen = tiles.queries(rows), tiles.seen_from(rows)
    shape = (len(seen), tiles.blocks, len(rows))
    score, total_of = np.empty(shape, np.float32), np.empty(shape, np.float32)
    count = np.full(shape, tiles.width, np.int32)
    taken_off = np.empty((len(seen), len(rows)), np.float32)
    for number, tile in enumerate(seen):
        scores, masked = tiles.scores(tile, queries, rows)
        np.maximum.reduce(scores.reshape(tiles.width, -1), axis=0, out=score[number].reshape(-1))
        taken_off[number] = _finite(score[number].max(axis=0)) if sums is None else sums.peak
        tiles.add_up(scores, taken_off[number], total_of[number])
        if masked is not None:
            count[number] -= _counted(masked, tiles.width)
    sink = np.float32(-np.inf if tiles.inputs.sinks is None else tiles.inputs.sinks[tiles.head])
    peak = _finite(score.max(axis=(0, 1), initial=sink)) if sums is None else sums.peak
    # No tile's largest score exceeds the row's: above it stands only the 0 of a tile in which all is masked.
    total_of *= np.exp(np.minimum(taken_off - peak, 0))[:, None]
    total = total_of.sum(axis=(0, 1)) + np.exp(sink - peak) if sums is None else sums.total
    blocks, flat = slice(seen.start * tiles.blocks, seen.stop * tiles.blocks), (-1, len(rows))
    return _Run(blocks, score.reshape(flat), total_of.reshape(flat), count.reshape(flat), peak, total)


def _counted(masked: Bool[np.ndarray, "key query"], width: int) -> Int32[np.ndarray, "keys query"]:
    per_block = masked.reshape(width, -1, masked.shape[1]).sum(axis=0, dtype=np.int32)
    return np.asarray(per_block, np.int32)


def _finite(peak: Float32[np.ndarray, " query"]) -> Float32[np.ndarray, " query"]:
    """What can be taken off: nothing where a row sees no key."""
    return np.where(np.isneginf(peak), np.float32(0), peak)


@np.errstate(invalid="ignore", divide="ignore")
def _pool(run: _Run, tiles: _Tiles, height: int) -> tuple[NDArray[Any], ...]:
    """Turn scores into weights and pool along the rows as well: ``(query block, key block)`` each."""
    scale = np.where(run.total == 0, np.float32(0), 1 / run.total)
    mean = run.total_of * scale
    if tiles.width == height == 1:
        largest = mean  # each block is one weight
    else:
        score = run.score - (run.peak + np.where(run.total == 0, np.float32(0), np.log(run.total)))
        largest = np.exp(_along_rows(np.maximum, score, height))
    pooled = largest, _along_rows(np.add, mean, height), _along_rows(np.add, run.count, height)
    return *(_among_all(each.T, tiles, run.seen) for each in pooled), run.peak, run.total


def _along_rows(operation: np.ufunc, array: NDArray[Any], height: int) -> NDArray[Any]:
    if height == 1:
        return array
    return np.asarray(operation.reduceat(array, np.arange(0, array.shape[1], height), axis=1))


def _among_all(part: NDArray[Any], tiles: _Tiles, seen: slice) -> NDArray[Any]:
    """Put what some key blocks hold among all key blocks; in the others there is nothing."""
    out = np.zeros((len(part), tiles.count * tiles.blocks), part.dtype)
    out[:, seen] = part
    return out
