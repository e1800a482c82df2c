"""What can be observed of a model, said before it runs: nothing is silently empty."""

import torch
from torch import nn

from genviz.capture.modules import WRAPPED, Model, roots_of
from genviz.errors import CaptureError
from genviz.recording import Missing

_FLAT = (
    "FSDP keeps the parameters of this part in one flat array, so that weights, and what is told from their "
    "shapes, are not seen: wrap the model with use_orig_params=True"
)
_QUANTISED = "its weights are quantised: what it computes is recorded, they are not"


def refuse_unobservable(model: Model) -> None:
    """Say before the run what would otherwise run unseen.

    Raises
    ------
    CaptureError
        For compiled, scripted and data-parallel modules: their code does not pass through Python,
        or runs in other threads.
    """
    for name, root in roots_of(model).items():
        for path, module in root.named_modules(prefix=name):
            reason = _unobservable(module)
            if reason:
                where = f"the model's {path!r}" if path else "the model"
                raise CaptureError(f"{where} ({type(module).__name__}) {reason}")


def _unobservable(module: nn.Module) -> str | None:
    if isinstance(module, torch.jit.ScriptModule):
        return (
            "is TorchScript, which runs outside Python where nothing can be attached: "
            "record the Python module that it was made from"
        )
    if "_orig_mod" in module._modules:
        return (
            "is compiled by torch.compile, whose code runs past every hook: record the module that was "
            "compiled "
            "(compiled._orig_mod) and call that inside the with block"
        )
    if getattr(module, "_compiled_call_impl", None) is not None:
        return (
            "is compiled in place by Module.compile(), whose code runs past every hook: "
            "record a copy that was not compiled"
        )
    if hasattr(vars(module).get("forward"), "_torchdynamo_orig_callable"):
        return (
            "has a forward that was compiled by torch.compile, whose code runs past every hook: put the "
            "original back (del module.forward) for the with block"
        )
    if isinstance(module, torch.fx.GraphModule) and _runs_no_parts(module):
        return (
            "is an exported graph, which holds parts but runs none of them: record the module that it was "
            "exported from"
        )
    if isinstance(module, nn.DataParallel) and len(module.device_ids or ()) > 1:
        return (
            "spreads a batch over several devices in threads of its own: record its .module and call that "
            "inside the with block"
        )
    return None


def _runs_no_parts(module: torch.fx.GraphModule) -> bool:
    called = (node.target for node in module.graph.nodes if node.op == "call_module")
    weighty = any(any(True for _ in module.get_submodule(str(path)).parameters()) for path in called)
    return not weighty and any(any(True for _ in child.parameters()) for child in module.children())


def out_of_sight(model: Model, *, weights: bool) -> list[Missing]:
    """What cannot be told of a model that runs and is recorded otherwise.

    Parameters
    ----------
    model : nn.Module, or several
    weights : bool
        Whether weights are a part of what is recorded of such a model.
    """
    missing = []
    for name, root in roots_of(model).items():
        for path, module in root.named_modules(prefix=name):
            site = ".".join(part for part in path.split(".") if part not in WRAPPED)
            if "_flat_param" in module._parameters:
                missing.append(Missing(site, "weight", _FLAT))
            elif weights and _is_quantised(module):
                missing.append(Missing(site, "weight", _QUANTISED))
    return missing


def _is_quantised(module: nn.Module) -> bool:
    """Tell by what is written down; to read ``module.weight`` would move a spectral norm on."""
    if callable(getattr(type(module), "weight", None)):
        return True
    weight = module._parameters.get("weight", module._buffers.get("weight"))
    return weight is not None and not weight.is_floating_point() and not weight.is_complex()
