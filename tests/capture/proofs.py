"""What every capture must hold to, as helpers that any family's tests can call."""

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules import module as torch_module

_TABLES = [name for name in vars(torch_module) if name.startswith("_global_") and "hook" in name]
_MODULE_TABLES = [
    "_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs", "_backward_hooks", "_backward_pre_hooks",
]  # fmt: skip


def tables(*models: nn.Module) -> dict[str, Any]:
    """Every hook table and every function that capture may stand in for, as it is now."""
    found: dict[str, Any] = {}
    for name in _TABLES:
        value = getattr(torch_module, name)
        found[name] = list(value.items()) if isinstance(value, OrderedDict | dict) else value
    for number, model in enumerate(models):
        for path, module in model.named_modules():
            for name in _MODULE_TABLES:
                found[f"{number}.{path}.{name}"] = list(getattr(module, name).items())
    for owner, name in (
        (functional, "scaled_dot_product_attention"), (functional, "softmax"), (torch, "softmax"),
        (torch.special, "softmax"), (torch, "_native_multi_head_attention"),
        (torch, "_transformer_encoder_layer_fwd"), (torch.backends.mha, "get_fastpath_enabled"),
        (torch, "matmul"), (torch, "bmm"), (torch, "einsum"),
    ):  # fmt: skip
        found[f"{owner.__name__}.{name}"] = getattr(owner, name)
    for name in ("softmax", "matmul", "bmm", "__matmul__"):
        found[f"Tensor.{name}"] = vars(torch.Tensor).get(name)
    try:
        from transformers.modeling_utils import AttentionInterface

        found["get_interface"] = AttentionInterface.get_interface
        found["attention functions"] = sorted(AttentionInterface._global_mapping)
    except ImportError:
        pass
    return found


@contextmanager
def tables_unchanged(*models: nn.Module) -> Iterator[None]:
    """Fail when any hook table or replaced function is not what it was before."""
    before = tables(*models)
    yield
    assert tables(*models) == before


def tensors(value: Any) -> list[torch.Tensor]:
    """Every tensor in an output."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [found for item in value for found in tensors(item)]
    return []


def state(model: nn.Module) -> dict[str, Any]:
    """Parameters, buffers, gradients, flags and random state."""
    return {
        "state": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": {
            name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()
        },
        "requires_grad": {name: p.requires_grad for name, p in model.named_parameters()},
        "training": {name: module.training for name, module in model.named_modules()},
        "attributes": {name: sorted(vars(module)) for name, module in model.named_modules()},
        "random": torch.get_rng_state(),
        "config": str(getattr(model, "config", None)),
        "flags": (
            torch.is_grad_enabled(),
            torch.is_autocast_enabled(),
            torch.backends.mha.get_fastpath_enabled(),
        ),
    }


def equal(one: Any, other: Any) -> bool:
    """``torch.equal`` through containers (NaN equals NaN: it is the same bits)."""
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and bool(
                torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
                if one.is_floating_point()
                else torch.equal(one, other)
            )
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def changes_nothing(
    model: nn.Module, run: Callable[[nn.Module], Any], capture: Callable[[nn.Module], Any]
) -> Any:
    """Run twin copies with and without capture; everything must be equal. Returns the recording."""
    bare, seen = copy.deepcopy(model), copy.deepcopy(model)
    torch.manual_seed(5)
    expected = run(bare)
    after = state(bare)
    torch.manual_seed(5)
    with tables_unchanged(seen), capture(seen) as recording:
        found = run(seen)
    assert equal(dict(enumerate(tensors(expected))), dict(enumerate(tensors(found))))
    assert equal(after, state(seen))
    return recording
