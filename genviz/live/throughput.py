"""How fast this machine multiplies matrices, where a model lives and in its own floating type."""

import time
from typing import Any

import torch
from torch import Tensor, nn

from genviz.live.base import place_of

BUDGET = 0.25  # seconds for all of it
_SIZES = (256, 512, 1024, 2048, 4096)
_ONE = 0.02  # seconds that one product may take
_LEAST = 3


def throughput(model: nn.Module) -> dict[str, Any]:
    """Multiply square matrices for a quarter of a second.

    The largest size whose product takes at most 20 ms is timed again and again.

    Returns
    -------
    dict
        ``rates``: FLOP/s of each product (2·n³ over its seconds); ``size`` n; ``dtype``, ``device``,
        ``threads``.
    """
    device, dtype = place_of(model)
    began = time.perf_counter()
    size, one = _SIZES[0], 0.0
    for tried in _SIZES:
        factors = _factors(tried, device, dtype)
        _seconds(*factors)  # the first one loads and allocates
        took = _seconds(*factors)
        if tried > size and (took > _ONE or time.perf_counter() - began > BUDGET / 2):
            break
        size, one = tried, took
        if 8 * one > _ONE:
            break  # the next one would take too long
    factors = _factors(size, device, dtype)
    seconds: list[float] = []
    while len(seconds) < _LEAST or time.perf_counter() - began + one < BUDGET:
        seconds.append(_seconds(*factors))
    return {
        "rates": [2 * size**3 / each for each in seconds],
        "size": size,
        "dtype": str(dtype).removeprefix("torch."),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }


def _factors(size: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two matrices whose numbers cost no less than others do: zeros would be faster on some devices."""
    draw = torch.Generator().manual_seed(size)
    first, second = (torch.randn(size, size, generator=draw).to(device, dtype) for _ in range(2))
    return first, second


def _seconds(first: Tensor, second: Tensor) -> float:
    began = time.perf_counter()
    with torch.no_grad():
        product = first @ second
    product[0, 0].item()  # waits for a device that works behind our back
    return time.perf_counter() - began
