"""Long attention maps: the pooled overview beside the bare product of queries and keys, its memory, tiles.

Run alone: `python -m benchmarks.length`. Random values: they change neither size nor time.
"""

import statistics
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from benchmarks.measure import Row, in_turn, ratio
from genviz.analysis.pooling import Overview, pooled
from genviz.attention import AttentionInputs, MaskRule

CHANNELS = 64
FIRST, LENGTHS = 16_384, (16_384, 32_768, 131_072)


def inputs(length: int) -> AttentionInputs:
    """One causal head."""
    query, key = np.random.default_rng(0).standard_normal((2, 1, length, CHANNELS), np.float32)
    return AttentionInputs(query, key, MaskRule(causal=True, scale=CHANNELS**-0.5))


def product(of: AttentionInputs, step: int = 64) -> None:
    """The causal product of queries and keys alone, in torch, in the chunks that suit the cache best."""
    query, key = torch.from_numpy(of.query[0]), torch.from_numpy(of.key[0])
    for start in range(0, len(query), step):
        query[start : start + step] @ key[: start + step].T


def rows() -> Iterator[Row]:
    """The first overview, its memory, tiles at three lengths."""
    torch.set_num_threads(1)
    yield from overview()
    for length in LENGTHS:
        yield tile(length)


def overview() -> Iterator[Row]:
    """Largest and mean weight, 512 × 512 blocks, of one head; with the compiled code loaded."""
    of = inputs(FIRST)
    seconds = in_turn({"product": partial(product, of), "overview": partial(pooled, of, 0)}, rounds=7, warm=1)
    times = ratio(seconds["overview"], seconds["product"])
    yield Row(
        f"overview of one head, T={FIRST:,}: time × causal QKᵀ alone", f"{times:.2f}", "≤ 1.6", times <= 1.6
    )
    yield Row("  the overview", f"{statistics.median(seconds['overview']):.2f} s")
    peak = peak_of(partial(pooled, of, 0))
    yield Row("  its memory over the recording", f"{peak / 1e6:.0f} MB", "≤ 64 MB", peak <= 64e6)


def peak_of(action: Callable[[], Overview]) -> int:
    """Bytes of arrays at the peak."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def tile(length: int) -> Row:
    """Every weight of 512 queries and keys, once the rows' sums are known."""
    of = inputs(length)
    rows, keys = range(length - 512, length), range(length // 2, length // 2 + 512)
    sums = pooled(of, 0, rows=rows, keys=keys).sums
    seconds = in_turn({"tile": partial(pooled, of, 0, rows=rows, keys=keys, sums=sums)}, rounds=9)
    took = statistics.median(seconds["tile"])
    return Row(f"tile of 512 × 512 weights, T={length:,}", f"{took * 1e3:.1f} ms", "≤ 50 ms", took <= 0.05)


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
