"""Route ``sdpa``: whoever calls ``F.scaled_dot_product_attention``.

Replacing the function costs nothing where nobody attends and, unlike a ``TorchFunctionMode``, leaves
PyTorch's fused paths on. Code that imported the function by name holds it elsewhere: those names are
replaced too, in the Python modules that the model's classes come from.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genviz.capture import hooks
from genviz.capture.attention import frames
from genviz.capture.attention.names import holders
from genviz.capture.attention.seen import Seen, broadcast, four_axes, heads_of, tell
from genviz.capture.modules import Network


def stand_ins(network: Network) -> Iterator[hooks.StandIn]:
    """Where the function is held."""
    yield hooks.StandIn(functional, "scaled_dot_product_attention", _build)
    for owner, name in holders(network, hooks.original(functional, "scaled_dot_product_attention")):
        yield hooks.StandIn(owner, name, _build)


def _build(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @functools.wraps(original)
    def scaled_dot_product_attention(*args: Any, **kwargs: Any) -> torch.Tensor:
        output = original(*args, **kwargs)
        if hooks.watchers():
            frame = frames.current()
            if frame is not None:
                frame.inner = Arguments(*args, **kwargs)
            else:
                tell(lambda: Arguments(*args, **kwargs).seen(output))
        return output

    return scaled_dot_product_attention


class Arguments:
    """The arguments of one call, named as PyTorch documents them."""

    def __init__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
        attn_mask: torch.Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False, *,
        scale: float | None = None, enable_gqa: bool = False,
    ) -> None:  # fmt: skip
        self.query, self.key, self.value, self.mask = query, key, value, attn_mask
        self.causal = bool(is_causal)
        self.scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)

    def seen(self, output: torch.Tensor | None) -> Seen:
        """The call as the innermost running module's."""
        module = _attending()
        multi_head = isinstance(module, nn.MultiheadAttention)
        heads = heads_of(module)
        parts = broadcast(self.query, self.key, self.value)
        query, key, value = (four_axes(part, heads) for part in parts)
        mask = self.mask
        if mask is not None and mask.ndim == 3 and parts[0].ndim == 3:
            mask = four_axes(mask, heads) if mask.shape[0] > 1 else mask[None]
        return Seen(
            "multi_head" if multi_head else "sdpa",
            query=query, key=key, value=value,
            output=None if output is None else four_axes(output, heads),
            mask=mask, causal=self.causal, scale=self.scale, module=module,
        )  # fmt: skip


def _attending() -> nn.Module | None:
    running = hooks.running()
    return running[-1] if running else None
