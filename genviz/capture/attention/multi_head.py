"""Route ``multi_head``: the fused paths of ``nn.MultiheadAttention`` and ``nn.TransformerEncoderLayer``.

In evaluation without gradients both run one kernel that hands out no queries and keys. It is left to run
as it is, and its arguments give them: the projections are computed once more, outside everything that is
watched. (On their other paths both end in ``scaled_dot_product_attention`` or a softmax and are seen there.)
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genviz.capture import hooks
from genviz.capture.attention.seen import Seen, tell
from genviz.capture.modules import Network


def stand_ins(network: Network) -> Iterator[hooks.StandIn]:
    """The two fused functions, which PyTorch looks up in ``torch`` at each call."""
    for name, build in (
        ("_native_multi_head_attention", _build_attention),
        ("_transformer_encoder_layer_fwd", _build_layer),
    ):
        if hasattr(torch, name):
            yield hooks.StandIn(torch, name, build)


def _build_attention(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def native_multi_head_attention(*args: Any, **kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        tell(lambda: _seen(args[:3], (args[5], args[6], args[3], args[4]), (args[9], args[12])))
        return output

    return native_multi_head_attention


def _build_layer(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def transformer_encoder_layer_fwd(*args: Any, **kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        tell(lambda: _of_layer(args))
        return output

    return transformer_encoder_layer_fwd


def _of_layer(args: tuple[Any, ...]) -> Seen:
    source, width, heads, weight, bias = args[:5]
    norm_first, eps, norm_weight, norm_bias = args[8:12]
    if norm_first:
        with torch.no_grad():
            source = functional.layer_norm(source, (width,), norm_weight, norm_bias, eps)
    seen = _seen((source, source, source), (weight, bias, width, heads), (args[18], args[19]))
    seen.module = _attention_of_layer(weight)
    return seen


def _attention_of_layer(weight: torch.Tensor) -> nn.Module | None:
    """The attention module inside the layer that runs: named as on the path that is not fused."""
    running = hooks.running()
    if not running:
        return None
    owners = (m for m in running[-1].modules() if m._parameters.get("in_proj_weight") is weight)
    return next(owners, running[-1])


def _seen(
    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    projection: tuple[torch.Tensor, torch.Tensor, int, int],
    masked: tuple[torch.Tensor | None, int | None],
) -> Seen:
    """Queries and keys as the kernel computes them; it reads any mask as boolean (True is masked)."""
    _, _, width, heads = projection
    mask, kind = masked
    key_mask = None
    with torch.no_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        if inputs[0].is_nested:
            lengths = torch.tensor([part.shape[0] for part in inputs[0].unbind()], device=inputs[0].device)
            inputs = tuple(torch.nested.to_padded_tensor(part, 0.0) for part in inputs)
            present = torch.arange(inputs[1].shape[1], device=lengths.device)[None] < lengths[:, None]
            key_mask = None if bool(present.all()) else present
        query, key = (
            _projected(part, projection, at) for part, at in zip(inputs[:2], (0, width), strict=True)
        )
    if mask is not None:
        allowed = ~mask.bool()
        if kind == 1:
            key_mask, mask = allowed, None
        else:
            mask = allowed
    return Seen(
        "multi_head", query=query, key=key, mask=mask, key_mask=key_mask,
        scale=1 / math.sqrt(width // heads), project=lambda: _projected(inputs[2], projection, 2 * width),
    )  # fmt: skip


def _projected(
    source: torch.Tensor, projection: tuple[torch.Tensor, torch.Tensor, int, int], at: int
) -> torch.Tensor:
    """One of the three projections, (sample, head, token, channel): it begins at row ``at``."""
    weight, bias, width, heads = projection
    with torch.no_grad(), torch.autocast(source.device.type, enabled=False):
        whole = functional.linear(source.detach(), weight[at : at + width], bias[at : at + width])
    parted: torch.Tensor = whole.unflatten(-1, (heads, -1)).transpose(1, 2)  # (sample, head, token, channel)
    return parted
