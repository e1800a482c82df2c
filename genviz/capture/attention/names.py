"""Where a function is held under a name of its own (``from torch.nn.functional import softmax``)."""

import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from genviz.capture import hooks
from genviz.capture.modules import Network


def holders(network: Network, function: Any) -> list[tuple[ModuleType, str]]:
    """Find the Python modules, near the classes of a model, that hold a function under some name.

    Looked at are the modules that the classes of the model's parts come from, and those whose functions they
    use. PyTorch's own are left alone: they are reached through the function's home.
    """
    return [
        (module, name)
        for module in _near(network)
        for name in list(vars(module))
        if hooks.original(module, name) is function
    ]


def _near(network: Network) -> list[ModuleType]:
    classes = {base for module in network.modules.values() for base in type(module).__mro__}
    found = dict.fromkeys(_homes(base.__module__ for base in classes))
    for module in list(found):
        used = (value.__module__ for value in vars(module).values() if isinstance(value, FunctionType))
        found.update(dict.fromkeys(_homes(used)))
    return list(found)


def _homes(names: Any) -> Iterator[ModuleType]:
    for name in sorted({name for name in names if name}):
        outside = name.split(".")[0] not in ("torch", "builtins", "typing", "abc", "genviz", "functools")
        module = sys.modules.get(name)
        if outside and isinstance(module, ModuleType):
            yield module
