"""Reading a transformer's structure: where attention is, which modules are blocks, what projects and embeds.

Nothing is run, and no list of class names is consulted: attention is found by what the code of a module
calls.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from genviz.capture.attention.code import called
from genviz.capture.attention.softmax import makes_scores
from genviz.capture.modules import Network, parent

# Calls that only attention makes; a softmax alone may be a router or an output layer.
_ATTENTION = {
    "scaled_dot_product_attention", "ALL_ATTENTION_FUNCTIONS", "eager_attention_forward", "flex_attention",
    "flash_attn_func", "flash_attn_varlen_func", "memory_efficient_attention", "multi_head_attention_forward",
}  # fmt: skip
_SOFTMAX = {"softmax", "Softmax"}
_CROSS = re.compile(r"cross|encoder_att|enc_?dec|multihead_attn|src_att|source_att|memory", re.IGNORECASE)
_QK_NORM = re.compile(r"(q|k|v|query|key|value|kv|qk)_?(a_|b_)?(norm|layer_?norm|ln)\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """One layer of a transformer.

    Parameters
    ----------
    path : str
    attention : tuple of str
        Its attention modules, self-attention first.
    cross : tuple of str
        Those of them that attend to another sequence.
    """

    path: str
    attention: tuple[str, ...]
    cross: tuple[str, ...] = ()


def attention_modules(network: Network) -> tuple[str, ...]:
    """Paths of the innermost modules that compute attention, each module once.

    A softmax inside a module that calls an attention function itself is a part of that attention (it picks
    keys, or pools them).
    """
    found = {path: _calls_attention(module) for path, module in _once(network) if computes_attention(module)}
    sure = [path for path, calls in found.items() if calls]
    found = {path: calls for path, calls in found.items() if calls or not _inside(path, sure)}
    return tuple(path for path in found if not any(_inside(other, [path]) for other in found))


def _inside(path: str, holders: list[str]) -> bool:
    return any(path != each and path.startswith(f"{each}." if each else "") for each in holders)


def _calls_attention(module: nn.Module) -> bool:
    """Tell whether a module with heads or projections of its own calls an attention function."""
    return makes_scores(module) and bool(called(type(module)) & _ATTENTION)


def computes_attention(module: nn.Module) -> bool:
    """Tell whether the code of a module computes attention itself."""
    if isinstance(module, nn.MultiheadAttention):
        return True
    calls = called(type(module))
    return bool(calls & _ATTENTION) or (bool(calls & _SOFTMAX) and makes_scores(module))


def blocks(network: Network, attention: tuple[str, ...]) -> tuple[Block, ...]:
    """The layers that the attention modules belong to, in the order in which they stand in the model."""
    members: dict[str, list[str]] = {}
    for path in attention:
        members.setdefault(_block_of(network, path), []).append(path)
    order = {path: index for index, path in enumerate(network.modules)}
    return tuple(
        Block(path, tuple(inside), _crossing(network, path, inside))
        for path, inside in sorted(members.items(), key=lambda item: order[item[0]])
    )


def units(network: Network, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a block that are called: its children, through lists of modules."""
    for child, module in network.children(path):
        if isinstance(module, nn.ModuleList | nn.ModuleDict):
            yield from units(network, child)
        else:
            yield child, module


def is_linear(module: nn.Module) -> bool:
    """Tell whether a module is a matrix product (``nn.Linear``, ``Conv1D`` of GPT-2, quantised kinds)."""
    if isinstance(module, nn.Embedding | nn.Bilinear) or is_norm(module):
        return False
    if isinstance(getattr(module, "in_features", None), int) and hasattr(module, "out_features"):
        parts = module._modules.keys() - {"_packed_params", "parametrizations"}
        return not parts or "weight" in module._parameters
    weight = module._parameters.get("weight")
    return weight is not None and weight.ndim == 2


def width_out(module: nn.Module) -> int | None:
    """How wide a linear module's output is."""
    for name in ("out_features", "nf"):
        value: Any = getattr(module, name, None)
        if isinstance(value, int):
            return value
    weight = module._parameters.get("weight")
    return None if weight is None else int(weight.shape[0])


def linears(network: Network, path: str) -> list[str]:
    """Linear modules at or below a path, in the order in which they were made."""
    return [name for name, module in network.below(path) if is_linear(module)]


def adds_residual(network: Network, path: str, attention: str | None = None) -> bool:
    """Tell whether a part may add and normalise inside: it has a norm that is no query's or key's."""
    inside = (name for name, module in network.below(path) if name != path and is_norm(module))
    return any(not _QK_NORM.fullmatch(name.rpartition(".")[2]) for name in inside)


def normalises_stream(network: Network, path: str, width: int | None) -> bool:
    """Tell whether a module is a norm as wide as the residual stream, and no query's or key's."""
    module = network[path]
    weight = module._parameters.get("weight")
    fits = weight is None or width is None or weight.numel() == width
    return (
        is_norm(module) and fits and not module._modules and not _QK_NORM.fullmatch(path.rpartition(".")[2])
    )


def mixes_experts(network: Network, path: str) -> bool:
    """Tell whether a feed-forward part chooses among experts."""
    for _, module in network.below(path):
        stacked = (p for p in module._parameters.values() if p is not None and p.ndim == 3)
        if not isinstance(module, nn.Conv1d) and any(min(p.shape) > 1 for p in stacked):
            return True
        if isinstance(module, nn.ModuleList) and len(module) > 1:
            return len({type(each) for each in module}) == 1
    return False


def embeddings(network: Network, layers: tuple[Block, ...]) -> Iterator[tuple[str, nn.Module]]:
    """Embedding tables outside the blocks, each once."""
    inside = within(network, layers)
    for path, module in _once(network):
        table = isinstance(module, nn.Embedding) or (
            hasattr(module, "num_embeddings") and isinstance(module._parameters.get("weight"), torch.Tensor)
        )
        if table and path not in inside:
            yield path, module


def within(network: Network, layers: tuple[Block, ...]) -> set[str]:
    """Paths of the blocks and everything in them."""
    return {path for block in layers for path, _ in network.below(block.path)}


def rotates(network: Network) -> bool:
    """Tell whether positions are rotated into queries and keys (RoPE)."""
    for path, module in network.modules.items():
        if "inv_freq" in module._buffers or re.search(r"rotary|rope", path.rpartition(".")[2], re.IGNORECASE):
            return True
        if any(re.search(r"rotary|rope|rotate_half", name) for name in called(type(module))):
            return True
    return False


def _once(network: Network) -> Iterator[tuple[str, nn.Module]]:
    for path, module in network.modules.items():
        if network.path(module) == path:
            yield path, module


def is_norm(module: nn.Module) -> bool:
    """Tell whether a module normalises: one weight per channel, or none and a name that says so."""
    weight = module._parameters.get("weight")
    name = type(module).__name__.lower()
    return (weight is not None and weight.ndim == 1 and not module._modules) or name.endswith(
        ("norm", "norm2d")
    )


def holds_matrices(network: Network, path: str) -> bool:
    """Tell whether anything is projected at or below a path."""
    return matrices(network, path) > 0


def matrices(network: Network, path: str) -> int:
    """How many matrices there are at or below a path."""
    return _weights(network, path, "\0")


def _weights(network: Network, path: str, without: str) -> int:
    """Matrices below a path, outside another."""
    count = 0
    for name, module in network.below(path):
        if name == without or name.startswith(f"{without}."):
            continue
        if is_linear(module):
            count += 1
        elif not isinstance(module, nn.Embedding):
            count += sum(p is not None and p.ndim >= 2 for p in module._parameters.values())
    return count


def _block_of(network: Network, path: str) -> str:
    """Climb to the innermost part that also holds a feed-forward network (two matrices or more).

    Not out of a list of equal parts, though: one that only attends is a layer too.
    """
    while path not in network.roots and not holds_matrices(network, path):
        path = parent(path)  # only the core of attention: its projections are its parent's
    below, above = path, parent(path)
    while above and above not in network.roots:
        if not isinstance(network[above], nn.ModuleList | nn.ModuleDict):
            if _weights(network, above, path) >= 2:
                return above
        elif below != path and _is_one_of_many(network, below, above):
            return below
        below, above = above, parent(above)
    return path


def _is_one_of_many(network: Network, path: str, above: str) -> bool:
    """Tell whether a part that is called stands in a list of its like."""
    kind = type(network[path])
    called = not isinstance(network[path], nn.ModuleList | nn.ModuleDict)
    return called and sum(type(each) is kind for _, each in network.children(above)) > 1


def _crossing(network: Network, block: str, attention: list[str]) -> tuple[str, ...]:
    if len(attention) < 2:
        return ()
    named = tuple(
        path
        for path in attention
        if _CROSS.search(path.removeprefix(block))
        or getattr(network[path], "is_cross_attention", False) is True
    )
    return named or (attention[1],)
