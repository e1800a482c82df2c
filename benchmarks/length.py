"""Long attention maps: the pooled overview beside the bare product of queries and keys, its memory, tiles.

Run alone: `python -m benchmarks.length`. Random values: they change neither size nor time. With `LENGTH` it
prints seconds and peak bytes of one exact map of that length.
"""

import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from benchmarks.measure import Row, in_fresh_process, in_turn, peak_over, ratio
from genviz.analysis.pooling import Overview, pooled
from genviz.attention import AttentionInputs, MaskRule

CHANNELS = 64
FIRST, LENGTHS = 16_384, (16_384, 32_768, 131_072)
WHOLE = (32_768, 65_536, 131_072)
LARGE = 8.0  # scale of queries at which scores exceed 60


def inputs(length: int, scale: float = 1.0) -> AttentionInputs:
    """One causal head."""
    query, key = np.random.default_rng(0).standard_normal((2, 1, length, CHANNELS), np.float32)
    return AttentionInputs(query * np.float32(scale), key, MaskRule(causal=True, scale=CHANNELS**-0.5))


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
    yield from whole()


def overview() -> Iterator[Row]:
    """Largest and mean weight, 512 × 512 blocks, of one head; with the compiled code loaded."""
    of = inputs(FIRST)
    actions = {
        "product": partial(product, of),
        "overview": partial(pooled, of, 0),
        "large": partial(pooled, inputs(FIRST, LARGE), 0),
    }
    seconds = in_turn(actions, rounds=11, warm=1)
    for name, where in (("overview", ""), ("large", ", scores above 60")):
        times = ratio(seconds[name], seconds["product"])
        yield Row(f"overview of one head, T={FIRST:,}{where}: time × causal QKᵀ alone", f"{times:.2f}",
                  "≤ 1.6", times <= 1.6)  # fmt: skip
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


def whole() -> Iterator[Row]:
    """Every row of a head, exactly: seconds, and resident memory at the peak over the recording."""
    for length in WHOLE:
        took, peak = json.loads(in_fresh_process("-m", "benchmarks.length", str(length)))
        yield Row(f"exact map of one head, T={length:,}: time; memory over the recording",
                  f"{took:.1f} s; {peak / 1e6:.0f} MB")  # fmt: skip


def alone(length: int) -> tuple[float, int]:
    """Seconds and peak resident bytes of one exact map, with the compiled code loaded."""
    of, taken = inputs(length), []
    from genviz.analysis import exponentials  # loads numba, which is no part of the map

    exponentials.sums_of_exponentials(*(np.zeros(shape, np.float32) for shape in ((1, 1, 1), 1, (1, 1))))

    def action() -> Overview:
        start = time.perf_counter()
        found = pooled(of, 0)
        taken.append(time.perf_counter() - start)
        return found

    peak = peak_over(action)
    return taken[0], peak


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(alone(int(sys.argv[1]))))
    else:
        for row in rows():
            print(row, flush=True)
