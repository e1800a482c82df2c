"""What a model is made of: its tree of modules, its sizes, where it comes from. Needs no run."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from genviz.capture.families import Family, chosen
from genviz.capture.modules import Model, Network, class_of, joined, unwrapped

_FACTS = ("n_params", "n_layers", "d_model", "n_heads", "d_head", "context", "vocab", "bytes")


def describe(model: Model, *, family: str | Family | None = None) -> dict[str, Any]:
    """Say what a model is made of, without running it.

    Parameters
    ----------
    model : nn.Module, or mapping of name to nn.Module
    family : str or Family, optional

    Returns
    -------
    dict
        Plain JSON with ``network`` (the tree of modules with classes, parameters and bytes), ``facts``
        (``n_params``, ``n_layers``, ``d_model``, …; null where the structure does not tell) and
        ``provenance``; for a transformer also ``parts``, every parameter by the part that it belongs to.

    Examples
    --------
    >>> describe(nn.Linear(2, 3))["facts"]["n_params"]
    9
    """
    network = Network.of(model)
    kind = family if isinstance(family, Family) else chosen(network, family)
    return network_info(network, kind, {})


def network_info(network: Network, family: Family, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """``network``, ``facts`` and ``provenance`` of a model whose output shapes may be known."""
    counted: set[int] = set()
    trees = [_tree(name, root, name, shapes, counted) for name, root in network.roots.items()]
    tree = trees[0]
    if len(trees) > 1:
        tree = {
            "name": "",
            "class": " + ".join(each["class"] for each in trees),
            "parameters": sum(each["parameters"] for each in trees),
            "bytes": sum(each["bytes"] for each in trees),
            "children": trees,
            "shape": None,
        }
    facts = dict.fromkeys(_FACTS) | family.facts(network)
    facts |= {"n_params": tree["parameters"], "bytes": tree["bytes"]}
    parts = family.parts(network)
    return {
        "network": tree,
        "facts": facts,
        **({"parts": parts} if parts else {}),
        "provenance": _provenance(network, family),
    }


def _tree(
    name: str, module: nn.Module, path: str, shapes: Mapping[str, tuple[int, ...]], counted: set[int],
    above: tuple[int, ...] = (),
) -> dict[str, Any]:  # fmt: skip
    """One module and what is in it; a parameter is counted where it first stands."""
    own = [p for p in module._parameters.values() if p is not None and id(p) not in counted]
    counted.update(id(parameter) for parameter in own)
    children = [
        _tree(child_name, unwrapped(child), joined(path, child_name), shapes, counted, (*above, id(module)))
        for child_name, child in module._modules.items()
        if child is not None and id(unwrapped(child)) not in (*above, id(module))
    ]
    return {
        "name": name,
        "class": class_of(module).__name__,
        "parameters": sum(_values(p) for p in own) + sum(child["parameters"] for child in children),
        "bytes": sum(_values(p) * p.element_size() for p in own) + sum(child["bytes"] for child in children),
        "children": children,
        "shape": list(shapes[path]) if path in shapes else None,
    }


def _values(parameter: torch.Tensor) -> int:
    """How many numbers a parameter holds: none yet in a lazy layer that has not run."""
    return 0 if is_lazy(parameter) else parameter.numel()


def _provenance(network: Network, family: Family) -> dict[str, Any]:
    first = next((p for root in network.roots.values() for p in root.parameters()), None)
    classes = [class_of(root) for root in network.roots.values()]
    return {
        "model": " + ".join(cls.__qualname__ for cls in classes),
        "module": classes[0].__module__,
        "family": family.name,
        "device": None if first is None else str(first.device),
        "dtype": None if first is None else str(first.dtype).removeprefix("torch."),
        "versions": _versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0], "torch": str(torch.__version__)}
    for name in ("genviz", "transformers"):
        if name in sys.modules:
            found[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
    return found
