"""Where a transformer's parameters stand: every tensor by the part of the model that it belongs to."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from genviz.capture.families import structure
from genviz.capture.families.structure import Block
from genviz.capture.modules import Network, joined

#: In the order in which a token meets them.
PARTS = ("embedding", "position", "attention", "feed-forward", "norm", "head", "other")
_NUMBER = re.compile(r"(^|\.)\d+(?=\.|$)")  # of an expert, say: equal tensors become one row


def parts_of(
    network: Network,
    layers: Iterable[Block],
    *,
    tokens: Iterable[str],
    positions: Iterable[str],
    heads: Iterable[str],
) -> list[dict[str, Any]]:
    """List every parameter of a model by part.

    Parameters
    ----------
    network : Network
    layers : iterable of Block
    tokens, positions, heads : iterable of str
        Paths of the tables of tokens and positions, and of the output layers.

    Returns
    -------
    list of dict
        Plain JSON: ``part`` (one of ``PARTS``), ``name`` (within its block), ``shape``, ``times`` (how often
        such a tensor stands in the model), ``bytes`` (of one), ``lookup`` (a table: no product) and
        ``shared`` (where a tied tensor was counted; its ``times`` is 0). ``Σ times · Π shape`` is the number
        of parameters.
    """
    layers = tuple(layers)
    roles = {
        **dict.fromkeys(tokens, "embedding"),
        **dict.fromkeys(positions, "position"),
        **dict.fromkeys(heads, "head"),
    }
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    first: dict[int, str] = {}
    for path, module in network.modules.items():
        if network.path(module) != path:
            continue  # the same module in another place
        for name, tensor in module._parameters.items():
            if tensor is None or is_lazy(tensor):
                continue
            part, short = _place(network, layers, path, roles=roles, module=module, name=name)
            shared = first.get(id(tensor))
            first.setdefault(id(tensor), joined(path, name))
            row = {"part": part, "name": joined(short, name), "lookup": isinstance(module, nn.Embedding)}
            _add(rows, row, tensor, shared)
    return sorted(rows.values(), key=lambda row: PARTS.index(row["part"]))


def _add(
    rows: dict[tuple[Any, ...], dict[str, Any]], row: dict[str, Any], tensor: torch.Tensor, shared: str | None
) -> None:
    """Count one tensor more of this name, shape and owner."""
    row |= {
        "shape": list(tensor.shape),
        "bytes": tensor.numel() * tensor.element_size(),
        "shared": shared,
        "times": 0,
    }
    key = (row["part"], row["name"], tuple(tensor.shape), row["bytes"], shared)
    rows.setdefault(key, row)["times"] += shared is None


def _place(
    network: Network, layers: tuple[Block, ...], path: str, *, roles: Mapping[str, str], module: nn.Module,
    name: str,
) -> tuple[str, str]:  # fmt: skip
    """The part that a module's tensor belongs to, and the module's name within its block."""
    if path in roles:
        return roles[path], path
    block = next((block for block in layers if _inside(path, block.path)), None)
    if structure.is_norm(module):
        return "norm", path if block is None else _within(path, block.path)
    if block is None:
        return ("position" if re.search("position|pos_emb|^pos", name) else "other"), path
    attending = any(_inside(path, unit_of(network, block.path, each)) for each in block.attention)
    return ("attention" if attending else "feed-forward"), _within(path, block.path)


def _inside(path: str, outer: str) -> bool:
    return path == outer or not outer or path.startswith(f"{outer}.")


def _within(path: str, outer: str) -> str:
    return _NUMBER.sub(r"\1*", path.removeprefix(outer).removeprefix("."))


def unit_of(network: Network, block: str, path: str) -> str:
    """The direct part of a block that holds a module."""
    for unit, _ in structure.units(network, block):
        if path == unit or path.startswith(f"{unit}."):
            return unit
    return block
