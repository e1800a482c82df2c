"""The values of a model that computes its own softmax: what it multiplies the finished weights with.

Looked for is the matrix product that follows the softmax and has the weights (or what dropout or a change of
precision made of them) as an operand, in the ways that people write it: ``@``, ``matmul``, ``bmm``,
``einsum``. It is watched only when somebody asked for values.
"""

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from genviz.capture import hooks
from genviz.capture.attention.seen import Seen, heads_of
from genviz.capture.modules import Network

_PRODUCTS = ((torch, "matmul"), (torch, "bmm"), (torch.Tensor, "matmul"), (torch.Tensor, "bmm"),
             (torch.Tensor, "__matmul__"))  # fmt: skip


@dataclass(frozen=True)
class _Awaiting:
    """Weights that were told, until they are multiplied; the map itself is not kept alive."""

    seen: Seen
    shape: tuple[int, ...]
    storage: StorageWeakRef
    module: nn.Module | None

    def is_in(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor is a view of the weights."""
        return not self.storage.expired() and _storage(tensor).cdata == self.storage.cdata

    def looks_like(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor can be what was made of the weights."""
        count = self.shape[0] * self.shape[1] * self.shape[2] * self.shape[3]
        return tensor.numel() == count and tuple(tensor.shape[-2:]) == self.shape[2:]


class _Recent(threading.local):
    def __init__(self) -> None:
        self.calls: deque[_Awaiting] = deque(maxlen=4)


_RECENT = _Recent()


def stand_ins(network: Network) -> Iterator[hooks.StandIn]:
    """Where a matrix product can be called."""
    for owner, name in _PRODUCTS:
        yield hooks.StandIn(owner, name, _build_product)
    yield hooks.StandIn(torch, "einsum", _build_einsum)


def wait_for(seen: Seen) -> None:
    """Look out for the values of weights that were told just now."""
    weights = seen.weights
    if weights is not None and seen.value is None and _watched():
        _RECENT.calls.append(_Awaiting(seen, tuple(weights.shape), _storage(weights), seen.module))
        seen.weights = None  # told already: a waiting call keeps no map alive


def _storage(tensor: torch.Tensor) -> StorageWeakRef:
    return StorageWeakRef(tensor.untyped_storage())


def _watched() -> bool:
    return vars(torch).get("einsum") is not hooks.original(torch, "einsum")


def _build_product(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @functools.wraps(original)
    def product(*args: Any, **kwargs: Any) -> torch.Tensor:
        output = original(*args, **kwargs)
        if _RECENT.calls and hooks.watchers() and len(args) == 2:
            with hooks.quiet():
                found = _of_product(*args)
            _tell(found)
        return output

    return product


def _build_einsum(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @functools.wraps(original)
    def einsum(*args: Any, **kwargs: Any) -> torch.Tensor:
        output = original(*args, **kwargs)
        if _RECENT.calls and hooks.watchers() and len(args) == 3 and isinstance(args[0], str):
            with hooks.quiet():
                found = _of_einsum(*args)
            _tell(found)
        return output

    return einsum


_Found = tuple[_Awaiting, torch.Tensor] | None


def _tell(found: _Found) -> None:
    if found is None:
        return
    call, value = found
    call.seen.value = value
    _RECENT.calls.remove(call)
    for watcher in hooks.watchers():
        watcher.valued(call.seen)


def _of_product(left: Any, right: Any) -> _Found:
    if not (isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)):
        return None
    if left.ndim < 3 or right.ndim < 3:
        return None
    running = _running()
    for call in reversed(_RECENT.calls):
        if call.is_in(left) or (call.module is running and call.looks_like(left)):
            value = _value(right, call)
        elif call.is_in(right) and right.shape[-2:] == (call.shape[3], call.shape[2]):
            value = _value(left.mT, call)  # (weights · values) transposed
        else:
            continue
        return None if value is None else (call, value)
    return None


def _running() -> nn.Module | None:
    running = hooks.running()
    return running[-1] if running else None


def _value(tensor: torch.Tensor, call: _Awaiting) -> torch.Tensor | None:
    """``(…, key, channel)`` as (sample, group, key, channel)."""
    samples, heads, _, keys = call.shape
    if tensor.shape[-2] != keys:
        return None
    lead = tensor.shape[:-2]
    if len(lead) > 1 and tensor.ndim > 4:
        tensor = tensor.flatten(0, tensor.ndim - 4)
    elif len(lead) == 1:
        groups = heads if lead[0] == samples * heads and (heads > 1 or heads_of(call.module)) else 1
        tensor = tensor.unflatten(0, (-1, groups))
    fits = tensor.shape[0] in (1, samples) and tensor.shape[1] in (1, heads)
    return tensor.expand(samples, -1, -1, -1) if fits else None


def _of_einsum(equation: str, first: Any, second: Any) -> _Found:
    if not (isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)) or "." in equation:
        return None
    names, others = (part.strip() for part in equation.split("->")[0].split(","))
    orders = ((first, second, (names, others)), (second, first, (others, names)))
    running = _running()
    for call in reversed(_RECENT.calls):
        for weights, value, labels in orders:
            if call.is_in(weights) or (call.module is running and call.looks_like(weights)):
                found = _by_labels(weights, value, labels, call)
                if found is not None:
                    return call, found
    return None


def _by_labels(
    weights: torch.Tensor, value: torch.Tensor, labels: tuple[str, str], call: _Awaiting
) -> torch.Tensor | None:
    """The other operand of an einsum, its axes in the order of values."""
    names, others = labels
    if tuple(weights.shape) != call.shape or len(names) != 4 or names[3] not in others or names[2] in others:
        return None
    channels = [name for name in others if name not in names]
    if len(channels) != 1:
        return None
    present = [name for name in (names[0], names[1], names[3], channels[0]) if name in others]
    ordered = value.permute([others.index(name) for name in present])
    for axis, name in enumerate(names[:2]):
        ordered = ordered if name in others else ordered.unsqueeze(axis)
    return ordered.expand(call.shape[0], -1, -1, -1)
