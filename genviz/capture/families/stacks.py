"""Layers that hold no softmax attention: where they stand, and what mixes the tokens in them instead.

Either a whole stack of them (state-space models, convolutions, Fourier mixing), or some among layers with
attention (hybrids such as Jamba, arXiv:2403.19887).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from genviz.capture.families import structure
from genviz.capture.families.base import Call, Tap
from genviz.capture.families.structure import Block
from genviz.capture.modules import Network, parent
from genviz.recording import Missing

# By the names of classes and parts, and of what their code calls; the first that fits is told.
_MIXERS = (
    (r"mamba|ssm|selective_scan|s4d?\b|s5\b|state_?space|ssd", "a state-space scan"),
    (r"hyena", "long convolutions"),
    (r"fourier|fft", "a Fourier transform"),
    (r"rwkv|wkv|time_?mix", "a linear recurrence (RWKV)"),
    (r"delta_?net|gated_?delta|kda", "a gated delta rule (linear attention)"),
    (r"retention|retnet", "retention (linear attention)"),
    (r"linear_?att|lightning|\bgla\b", "linear attention"),
    (r"rglru|rg_lru|lstm|gru|recurrent", "a gated recurrence"),
    (r"conv", "convolutions"),
    (r"pool", "pooling"),
)
_FEEDS = re.compile(r"mlp|moe|feed_?forward|ffn|expert", re.IGNORECASE)


def without_attention(network: Network) -> tuple[Block, ...]:
    """The layers of a model in which nothing attends: the outermost lists of equal parts with matrices."""
    found: list[Block] = []
    for path, module in network.modules.items():
        inside = any(path.startswith(f"{block.path}.") for block in found)
        if not inside and isinstance(module, nn.ModuleList | nn.Sequential) and network.path(module) == path:
            members = [(name, each) for name, each in network.children(path)]
            alike = len({type(each) for _, each in members}) == 1 and len(members) > 1
            if alike and all(_layer(network, name) for name, _ in members):
                found += [Block(name, ()) for name, _ in members]
    return tuple(found)


def with_neighbours(network: Network, layers: tuple[Block, ...]) -> tuple[Block, ...]:
    """Layers with attention, and those without it that stand in the same list, in the model's order."""
    known = {block.path: block for block in layers}
    lists = {parent(path) for path in known if isinstance(network.modules.get(parent(path)), nn.ModuleList)}
    added = [
        Block(name, ())
        for path in lists
        for name, _ in network.children(path)
        if name not in known and _layer(network, name)
    ]
    if not added:
        return layers
    order = {path: index for index, path in enumerate(network.modules)}
    return tuple(sorted((*layers, *added), key=lambda block: order[block.path]))


def _layer(network: Network, path: str) -> bool:
    """A part that is called and projects its input at least twice."""
    called = not isinstance(network[path], nn.ModuleList | nn.ModuleDict)
    return called and structure.matrices(network, path) >= 2


def mixing_part(network: Network, block: str) -> str | None:
    """The part of a layer that mixes tokens, None when it is the layer itself."""
    parts = [(path, part) for path, part in structure.units(network, block) if not structure.is_norm(part)]
    for pattern, _ in _MIXERS:
        for path, module in parts:
            if re.search(pattern, f"{path.rpartition('.')[2]} {type(module).__name__}", re.IGNORECASE):
                return path if not _FEEDS.search(type(module).__name__) else None
    heavy = [path for path, _ in parts if structure.holds_matrices(network, path)]
    return heavy[0] if len(heavy) > 1 and not structure.is_linear(network[heavy[0]]) else None


def mixing_taps(
    network: Network, block: str, attrs: Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]
) -> Iterator[Tap]:
    """What the mixing part of a layer adds to the stream."""
    part = mixing_part(network, block)
    if part is None:
        return
    source: str | None = part
    if structure.adds_residual(network, part):  # adds and normalises inside: what comes before that
        inside = [path for path, module in structure.units(network, part) if not structure.is_norm(module)]
        plain = [path for path in inside if not structure.adds_residual(network, path)]
        source = plain[-1] if plain else None
    if source is not None:
        yield Tap(source, "contribution", site=part, attrs=_marked(attrs))


def _marked(
    attrs: Mapping[str, Any] | Callable[[Call], Mapping[str, Any]],
) -> Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]:
    """What a contribution is: no attention's, and no feed-forward network's."""
    if callable(attrs):
        return lambda call: {**attrs(call), "part": "mixing"}
    return {**attrs, "part": "mixing"}


def feeding_parts(network: Network, block: str, parts: list[str]) -> list[str]:
    """Those parts of a layer that are its feed-forward network."""
    mixing = mixing_part(network, block)
    if mixing is not None:
        return [path for path in parts if path != mixing]
    return parts if _FEEDS.search(type(network[_only_part(network, block)]).__name__) else []


def _only_part(network: Network, block: str) -> str:
    """The one part of a layer that holds matrices, or the layer itself."""
    heavy = [path for path, _ in structure.units(network, block) if structure.holds_matrices(network, path)]
    return heavy[0] if len(heavy) == 1 else block


def no_attention(network: Network, block: str) -> Missing:
    """Why there are no weights in a layer."""
    return Missing(block, "attention", f"no softmax attention: {mixed_by(network, block)}")


def mixed_by(network: Network, block: str) -> str:
    """What a layer does in place of attention, as far as its names tell."""
    part = mixing_part(network, block) or _only_part(network, block)
    name = type(network[part]).__name__
    names = " ".join(
        f"{path.rpartition('.')[2]} {type(module).__name__}" for path, module in network.below(part)
    )
    if _FEEDS.search(name):
        return f"it is a feed-forward layer on its own ({name}), and mixes no tokens"
    for text in (name, names):
        for pattern, meaning in _MIXERS:
            if re.search(pattern, text, re.IGNORECASE):
                return f"its tokens are mixed by {meaning} ({name})"
    return f"{name} computes no softmax of scores between positions"
