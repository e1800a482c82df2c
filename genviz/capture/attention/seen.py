"""One attention call as a route saw it, before anything of it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks

# Names under which modules keep their number of heads.
_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "nhead", "heads", "nheads")


@dataclass(eq=False)
class Seen:
    """What attention was computed from (or its finished weights), as tensors of the running model.

    Parameters
    ----------
    route : str
        ``registry``, ``multi_head``, ``sdpa`` or ``eager``.
    query : tensor (sample, head, query, channel), optional
    key : tensor (sample, group, key, channel), optional
    weights : tensor (sample, head, query, key), optional
        In place of query and key, when the model computed the softmax itself.
    mask : tensor, optional
        Boolean (True may be attended to) or additive, broadcast against the scores.
    causal, offset, window, scale, softcap : see :class:`genviz.attention.MaskRule`
    key_mask : tensor (sample, key), optional
        True where a key may be attended to.
    sinks : tensor (head,), optional
    value : tensor (sample, group, key, channel), optional
    output : tensor (sample, head, query, channel), optional
        For the check of what is recomputed.
    project : callable, optional
        Works the values out, where a kernel does not hand them over.
    module : nn.Module, optional
        The attention module; the innermost that runs when not given.
    """

    route: str
    query: torch.Tensor | None = None
    key: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    causal: bool = False
    offset: int = 0
    window: int | None = None
    scale: float = 1.0
    softcap: float | None = None
    key_mask: torch.Tensor | None = None
    sinks: torch.Tensor | None = None
    value: torch.Tensor | None = None
    output: torch.Tensor | None = None
    project: Callable[[], torch.Tensor] | None = None
    module: nn.Module | None = None

    @property
    def lengths(self) -> tuple[int, int]:
        """Number of queries and of keys."""
        if self.weights is not None:
            return self.weights.shape[2], self.weights.shape[3]
        assert self.query is not None
        assert self.key is not None
        return self.query.shape[2], self.key.shape[2]


def tell(build: Callable[[], Seen | None], module: nn.Module | None = None) -> Seen | None:
    """Tell the watchers of this context about one attention call, and return what they were told.

    The model's run goes on whatever happens here: what cannot be told is reported as missing, with the
    reason.
    """
    watchers = hooks.watchers()
    if not watchers:
        return None
    with hooks.quiet():
        try:
            seen = build()
        except Exception as error:
            running = hooks.running()
            for watcher in watchers:
                watcher.unattended(module or (running[-1] if running else None), str(error) or repr(error))
            return None
        for watcher in watchers if seen is not None else ():
            watcher.attended(seen)
        return seen


def heads_of(module: nn.Module | None) -> int | None:
    """The number of heads that a module says it has."""
    for name in _HEADS:
        value: Any = getattr(module, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def broadcast(*parts: torch.Tensor) -> list[torch.Tensor]:
    """Give queries, keys and values the same axes before the heads, as the function itself does.

    One that has fewer (keys that all samples share) gets them as views; heads may differ (groups).
    """
    most = max(part.ndim for part in parts)
    full = [part[(None,) * (most - part.ndim)] for part in parts]
    if most < 4:
        return full
    before = torch.broadcast_shapes(*(part.shape[:-3] for part in full))
    return [part.expand(*before, *part.shape[-3:]) for part in full]


def four_axes(tensor: torch.Tensor, heads: int | None) -> torch.Tensor:
    """Bring ``(…, head, position, channel)`` to four axes, without copying where possible.

    Three axes are ambiguous: with ``heads`` known and dividing the first, it is samples × heads; otherwise
    it is samples with one head each. More than four (windows, frames) count as more samples.
    """
    if tensor.ndim == 4:
        return tensor
    if tensor.ndim > 4:
        if heads and tensor.shape[1] == heads != tensor.shape[-3]:
            tensor = tensor.movedim(1, -3)  # (sample, head, window, …): windows are samples, not heads
        return tensor.flatten(0, tensor.ndim - 4)
    if tensor.ndim == 2:
        return tensor[None, None]
    if heads and heads > 1 and tensor.shape[0] % heads == 0:
        return tensor.view(tensor.shape[0] // heads, heads, *tensor.shape[1:])
    return tensor[:, None]
