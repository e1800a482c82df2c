"""A user's model as capture sees it: named modules, without the wrappers around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from torch import nn

from genviz.errors import CaptureError, UnknownSite

# The attribute under which each wrapper keeps the module it wraps.
WRAPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside wrappers such as DDP, FSDP or activation checkpointing."""
    while True:
        inner = next((module._modules[name] for name in WRAPPED if name in module._modules), None)
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
        roots = {name: unwrapped(module) for name, module in roots_of(model).items()}
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

    def wraps(self, module: nn.Module) -> bool:
        """Tell whether a module is a wrapper around one of this model: what is inside runs as well."""
        path = self.path(module)
        return path is not None and module is not self.modules[path] and unwrapped(module) is not module

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


def class_of(module: nn.Module) -> type[nn.Module]:
    """The class that a module was written as: ``fully_shard`` puts one made on the spot before it."""
    cls = type(module)
    if len(cls.__bases__) == 2 and cls.__bases__[0].__name__ == "FSDPModule":
        return cls.__bases__[1]
    return cls


def joined(path: str, name: str) -> str:
    """``layers`` and ``0`` → ``layers.0``; nothing stands before the first name."""
    return f"{path}.{name}" if path else name


def parent(path: str) -> str:
    """``layers.0.attn`` → ``layers.0``."""
    return path.rpartition(".")[0]


def roots_of(model: Any) -> dict[str, nn.Module]:
    """Modules by name of what a user passed: one without a name, or several.

    Raises
    ------
    CaptureError
        When it is something else.
    """
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
