"""Everything that a capture might touch, photographed without trusting what capture says it touches."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from tests.contracts.family_models import modules

# Where functions stand that somebody could replace; every name in them is compared, whichever it is.
_SPACES = (
    "torch", "torch.special", "torch.nn.functional", "torch.nn.modules.module", "torch.nn.modules.activation",
    "torch.nn.modules.transformer", "torch._C._nn", "transformers.modeling_utils",
    "transformers.masking_utils",
    "transformers.models.gpt2.modeling_gpt2", "transformers.models.bert.modeling_bert",
    "transformers.models.t5.modeling_t5", "tests.contracts.family_models", "tests.capture.models",
)  # fmt: skip
_CLASSES = (torch.Tensor, nn.Module, nn.Linear, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.Softmax)


def world(model: Any) -> dict[str, Any]:
    """Hook tables of every module and of all modules, every function that has a name, every registry."""
    found: dict[str, Any] = {}
    for number, root in enumerate(modules(model)):
        for path, module in root.named_modules():
            found[f"{number}:{path}"] = _of_module(module)
        for name, parameter in root.named_parameters():
            found[f"{number}:{name}:hooks"] = list((parameter._backward_hooks or {}).items())
        found[f"{number}:config"] = str(getattr(root, "config", None))
    for name, value in vars(torch_module).items():
        if name.startswith("_global"):
            found[name] = list(value.items()) if isinstance(value, Mapping) else value
    for space in _SPACES:
        if space in sys.modules:
            found[space] = _names(vars(sys.modules[space]))
    for cls in _CLASSES:
        found[cls.__name__] = _names(vars(cls))
    found["registry"] = _registries()
    found["modes"] = (
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"),
        torch.backends.mha.get_fastpath_enabled(), torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(), sys.gettrace() is None, torch.get_default_dtype(),
    )  # fmt: skip
    return found


def _of_module(module: nn.Module) -> dict[str, Any]:
    tables = {name: list(value.items()) for name, value in vars(module).items() if "hook" in name and value}
    return {**tables, "training": module.training, "class": type(module), "attributes": sorted(vars(module))}


def _names(space: Mapping[str, Any]) -> dict[str, int]:
    return {name: id(value) for name, value in space.items() if callable(value)}


def _registries() -> list[Any]:
    modeling = sys.modules.get("transformers.modeling_utils")
    if modeling is None:
        return []
    interface = modeling.AttentionInterface
    masks = sys.modules["transformers.masking_utils"].AttentionMaskInterface
    return [_names(vars(interface)), _names(interface._global_mapping), _names(masks._global_mapping)]


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of what is not as it was."""
    found = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old != new and isinstance(old, dict) and isinstance(new, dict):
            found += [f"{name} → {key}" for key in {**old, **new} if old.get(key) != new.get(key)]
        elif old != new:
            found.append(f"{name}: {old} → {new}")
    return found


@contextmanager
def as_before(model: Any) -> Iterator[None]:
    """Fail when anything is not what it was."""
    before = world(model)
    yield
    different = changed(before, world(model))
    assert not different, different[:5]
