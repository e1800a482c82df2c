"""A user's model as capture sees it: named modules, without the wrappers around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import nn

from genviz.errors import CaptureError, UnknownSite

# The attribute under which each wrapper keeps the module it wraps.
_WRAPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside wrappers such as DDP, FSDP or activation checkpointing."""
    while True:
        inner = next((module._modules[name] for name in _WRAPPED if name in module._modules), None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if inner is None:
            return module
        module = inner


@dataclass(frozen=True)
class Network:
    """Every module of a model by its path.

    Parameters
    ----------
    roots : mapping
        ``{"": model}`` for one module; ``{"generator": …, "discriminator": …}`` for several, whose
        names then begin every path.
    modules : mapping
        Path → module. A module that stands in several places has several paths.
    paths : mapping
        ``id(module)`` → its first path; wrappers share the path of what they wrap.
    spans : mapping
        Path → where it and everything inside it stand among the modules, which are listed depth first.

    Examples
    --------
    >>> network = Network.of(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    >>> list(network.modules)
    ['', '0', '1']
    """

    roots: Mapping[str, nn.Module]
    modules: Mapping[str, nn.Module]
    paths: Mapping[int, str]
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, model: "Model") -> "Network":
        """Name the modules of a model.

        Raises
        ------
        CaptureError
            When it is not a module (or a mapping or sequence of modules), or has nothing in it.
        """
        roots = {name: unwrapped(module) for name, module in _roots(model).items()}
        modules: dict[str, nn.Module] = {}
        paths: dict[int, str] = {}
        for name, root in roots.items():
            for path, module, wrappers in _walk(root, name, ()):
                modules.setdefault(path, module)
                for each in (*wrappers, module):
                    paths.setdefault(id(each), path)
        network = cls(roots, modules, paths, _spans(list(modules)))
        if not any(True for root in roots.values() for _ in (*root.children(), *root.parameters())):
            names = ", ".join(type(root).__name__ for root in roots.values())
            raise CaptureError(
                f"nothing to record in {names}: it has no submodules and no parameters; "
                "pass the model that runs"
            )
        return network

    def path(self, module: nn.Module) -> str | None:
        """First path of a module, or None when it is not part of this model."""
        return self.paths.get(id(module))

    def __getitem__(self, path: str) -> nn.Module:
        """Return the module at a path.

        Raises
        ------
        UnknownSite
            When there is none.
        """
        if path not in self.modules:
            raise UnknownSite.among(path, [name for name in self.modules if name], "model")
        return self.modules[path]

    def below(self, path: str) -> Iterator[tuple[str, nn.Module]]:
        """A module and everything inside it."""
        if path in self.spans:
            yield from islice(self.modules.items(), *self.spans[path])
        elif not path:  # several roots
            yield from self.modules.items()

    def children(self, path: str) -> Iterator[tuple[str, nn.Module]]:
        """Direct children of the module at a path."""
        for name, child in self[path]._modules.items():
            if child is not None:
                yield joined(path, name), unwrapped(child)


Model = nn.Module | Mapping[str, nn.Module] | Sequence[nn.Module]


def joined(path: str, name: str) -> str:
    """``layers`` and ``0`` → ``layers.0``; nothing stands before the first name."""
    return f"{path}.{name}" if path else name


def parent(path: str) -> str:
    """``layers.0.attn`` → ``layers.0``."""
    return path.rpartition(".")[0]


def _roots(model: Any) -> dict[str, nn.Module]:
    if isinstance(model, nn.Module):
        return {"": model}
    if isinstance(model, Mapping):
        roots = {str(name): module for name, module in model.items()}
    elif isinstance(model, Sequence) and not isinstance(model, str):
        names = [type(module).__name__.lower() for module in model]
        roots = dict(
            zip(names if len(set(names)) == len(names) else map(str, range(len(model))), model, strict=True)
        )
    else:
        roots = {"": model}
    wrong = next((module for module in roots.values() if not isinstance(module, nn.Module)), None)
    if wrong is not None or not roots:
        found = (
            f"a {type(model).__name__} holding a {type(wrong).__name__}"
            if roots and "" not in roots
            else type(model).__name__
        )
        raise CaptureError(
            f"record() attaches to a torch.nn.Module, or to a dict of them by name; got {found}: "
            "pass the model itself (of a pipeline, its .model)"
        )
    return roots


def _walk(
    module: nn.Module, path: str, above: tuple[int, ...]
) -> Iterator[tuple[str, nn.Module, tuple[nn.Module, ...]]]:
    inner = unwrapped(module)
    if id(inner) in above:
        return  # a module that holds its own parent
    yield path, inner, () if inner is module else tuple(_wrappers(module, inner))
    for name, child in inner._modules.items():
        if child is not None:
            yield from _walk(child, joined(path, name), (*above, id(inner)))


def _spans(paths: list[str]) -> dict[str, tuple[int, int]]:
    """Begin and end of each path's own part of a depth-first list."""
    ends: dict[str, int] = {}
    for index, path in enumerate(paths):
        while True:
            ends[path] = index + 1
            if not path:
                break
            path = parent(path)
    return {path: (index, ends[path]) for index, path in enumerate(paths)}


def _wrappers(outer: nn.Module, inner: nn.Module) -> Iterator[nn.Module]:
    for module in outer.modules():
        if module is inner:
            return
        yield module


def refuse_unobservable(model: "Model") -> None:
    """Say before the run what would otherwise run unseen.

    Raises
    ------
    CaptureError
        For compiled, scripted and data-parallel modules: their code does not pass through Python,
        or runs in other threads.
    """
    for name, root in _roots(model).items():
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
    if isinstance(module, nn.DataParallel) and len(module.device_ids or ()) > 1:
        return (
            "spreads a batch over several devices in threads of its own: record its .module and call that "
            "inside the with block"
        )
    return None
