"""Attention weights by other means than capture: what eager gives out, and every softmax that is computed."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Maps = list[NDArray[np.float32]]

_SOFTMAXES = {functional.softmax, torch.softmax, torch.Tensor.softmax, torch.special.softmax}


class Softmaxes(TorchFunctionMode):
    """Keeps every softmax over the last axis, and every fused kernel's weights, worked out in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: Maps = []
        self.kernels: Maps = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if function in _SOFTMAXES:
            axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
            if output.ndim >= 3 and axis in (-1, output.ndim - 1):
                self.maps.append(_array(output))
        elif function is functional.scaled_dot_product_attention:
            self.kernels.append(_array(kernel_weights(*args, **kwargs)))
        elif function is functional.multi_head_attention_forward:
            whole: Any = function(*args, **{**kwargs, "need_weights": True, "average_attn_weights": False})
            self.maps.append(_array(whole[1]))
        return output


def kernel_weights(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> torch.Tensor:  # fmt: skip
    """The weights of ``scaled_dot_product_attention`` as PyTorch documents it, in float64."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scores = query.double() @ key.double().mT * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, -math.inf)
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        else:
            scores = scores + attn_mask
    return scores.softmax(-1).nan_to_num(0.0)


def given_out(output: Any) -> Maps:
    """Attention weights in a model's output."""
    items = output.items() if hasattr(output, "items") else ()
    return [_array(part) for name, value in items if "attentions" in name for part in _tensors(value)]


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        if value.ndim >= 3:
            yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy()


def distance(found: NDArray[Any], reference: NDArray[Any]) -> float:
    """Largest difference of two maps; infinite when they are not of one shape.

    Maps count as equal in shape when only the axes before (query, key) are folded in another way. A column
    that is one too many is a sink's. A query that may see nothing is left out where one kernel gives it no
    weights and the other gives all keys the same.
    """
    if reference.ndim < 3 or found.shape[-2] != reference.shape[-2]:
        return math.inf
    if reference.shape[-1] == found.shape[-1] + 1:
        reference = reference[..., :-1]
    if found.shape[-1] != reference.shape[-1] or found.size != reference.size:
        return math.inf
    if reference.ndim > 4:  # (sample, head, window, …): windows are recorded as samples
        windows = np.moveaxis(reference, 1, -3)
        reference = windows.reshape(-1, *windows.shape[-3:])
        if reference.shape != found.shape:
            reference = np.moveaxis(windows, -3, 1)
    folded = found.reshape(-1, *found.shape[-2:]), reference.reshape(-1, *reference.shape[-2:])
    difference = np.abs(folded[0] - folded[1]).max(-1)
    blind = (folded[0] == 0).all(-1)
    flat = np.ptp(folded[1], axis=-1) < 1e-6
    difference = np.where(blind & flat, 0.0, difference)
    return float(np.nan_to_num(difference, nan=math.inf).max(initial=0.0))


def sums_to_one(weights: NDArray[Any]) -> bool:
    """Tell whether rows are weights of a softmax, rather than something else that a model calls attention."""
    rows = weights.sum(-1)
    return bool((weights >= 0).all() and (np.isclose(rows, 1, atol=1e-3) | (rows == 0)).all() and rows.any())


def softmaxes_expected(maps: Maps) -> Maps:
    """Of all softmaxes those that are attention by their shape: heads beside samples."""
    return [each for each in maps if each.ndim >= 4]


def eager(model: nn.Module) -> bool:
    """Put a model on its eager implementation; False when it knows none."""
    switch = getattr(model, "set_attn_implementation", None)
    if switch is None:
        return False
    try:
        switch("eager")
    except Exception:
        return False
    return True
