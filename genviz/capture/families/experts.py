"""Mixtures of experts whose weights are stacked in one module: which token goes where, and what is in there.

Such a module is given the tokens, one below the other, and for each the numbers of its experts and their
shares (the convention of Hugging Face's mixtures: Mixtral, Qwen, DeepSeek, OLMoE and others). What happens
between its weights is no module's output, so an expert's neurons are worked out again from its own weights,
by its own gate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genviz.capture.families.base import Call
from genviz.capture.modules import Network


@dataclass(frozen=True)
class Passed:
    """What went through one expert.

    Parameters
    ----------
    rows : Tensor, (row,)
        Which tokens, ascending.
    neurons : Tensor, (row, unit)
        What the projection back to the residual stream gets.
    before : tuple of Tensor, (row, unit)
        What goes into the activation function and, where there is one, the factor beside it.
    """

    rows: Tensor
    neurons: Tensor
    before: tuple[Tensor, ...]


def count(module: nn.Module) -> int | None:
    """How many experts a module holds; None when it is not of this form."""
    parameters = module._parameters
    up = parameters.get("gate_up_proj", parameters.get("up_proj"))
    whole = up is not None and up.ndim == 3 and parameters.get("down_proj") is not None
    ready = hasattr(module, "_apply_gate") if _gated(module) else hasattr(module, "act_fn")
    return int(up.shape[0]) if whole and ready and up is not None else None


def stacked(network: Network, path: str) -> str | None:
    """Path of the module in a feed-forward part that holds all experts' weights; None without one."""
    for name, module in network.below(path):
        if count(module) is not None:
            return name
    return None


def routing(call: Call) -> Tensor | None:
    """Share of each expert in each token, (row, expert): 0 where a token does not go; None if not told."""
    given, every = _routed(call), count(call.module)
    if given is None or every is None:
        return None
    index, weights = given
    if weights.shape != index.shape:
        weights = weights.gather(1, index.clamp(max=weights.shape[1] - 1))
    shares = torch.zeros(len(index), every + 1, dtype=weights.dtype, device=weights.device)
    return shares.scatter_add_(1, index.clamp(max=every), weights)[:, :every]  # one past the last: nowhere


def through(call: Call, expert: int) -> Passed | None:
    """The neurons of one expert for the tokens that were sent to it; None when the call does not tell."""
    given, tokens = _routed(call), call.given
    if given is None or tokens is None:
        return None
    rows = (given[0] == expert).any(1).nonzero()[:, 0]
    module: Any = call.module
    with torch.no_grad():
        made = _product(module, "gate_up_proj" if _gated(module) else "up_proj", tokens[rows], expert)
        if not _gated(module):
            return Passed(rows, module.act_fn(made), (made,))
        return Passed(rows, module._apply_gate(made), _halves(module, made))


def _gated(module: nn.Module) -> bool:
    return "gate_up_proj" in module._parameters


def _routed(call: Call) -> tuple[Tensor, Tensor] | None:
    """Numbers of experts and their shares, both (row, choice) at least, from what a module was given."""
    tensors = [each for each in _tensors(call) if each.ndim == 2]
    index = next((each for each in tensors if not each.is_floating_point()), None)
    weights = next((each for each in tensors[1:] if each.is_floating_point()), None)
    if index is None or weights is None or len(index) != len(tensors[0]):
        return None
    return index.detach(), weights.detach()


def _tensors(call: Call) -> Iterator[Tensor]:
    for each in (*call.args, *call.kwargs.values()):
        if isinstance(each, Tensor):
            yield each


def _product(module: nn.Module, name: str, tokens: Tensor, expert: int) -> Tensor:
    weights, bias = module._parameters[name], module._parameters.get(f"{name}_bias")
    assert weights is not None
    own = weights[expert] if getattr(module, "is_transposed", False) else weights[expert].T
    made: Tensor = tokens.detach() @ own
    return made if bias is None else made + bias[expert]


def _halves(module: nn.Module, made: Tensor) -> tuple[Tensor, ...]:
    """The gate's input and the factor, which lie one behind the other or in turns."""
    if getattr(module, "is_concatenated", True):
        return tuple(made.chunk(2, dim=-1))
    return made[..., ::2], made[..., 1::2]
