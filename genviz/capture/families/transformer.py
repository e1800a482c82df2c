"""Transformers: encoder, decoder, encoder–decoder; from Hugging Face, ``torch.nn`` or a file of one's own.

What is found by structure: attention modules by what their code calls, blocks as the parts that hold
attention and a feed-forward network, and in each block the parts that add to the residual stream
(arXiv:1706.03762, section 3).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from genviz.capture.attention.seen import heads_of
from genviz.capture.families import stacks, structure
from genviz.capture.families.base import Call, Family, Plan, Tap, given
from genviz.capture.families.feed_forward import feed_forward_taps
from genviz.capture.families.parts import parts_of, unit_of
from genviz.capture.families.patches import patch_taps
from genviz.capture.families.positions import (
    ids_taken,
    no_position,
    position_taps,
    table_length,
    token_tables,
)
from genviz.capture.families.sides import Sides
from genviz.capture.families.structure import Block
from genviz.capture.modules import Network
from genviz.recording import Missing

_Attrs = Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]


class Transformer(Family):
    """Blocks with attention, one after the other."""

    name = "transformer"

    def recognise(self, network: Network) -> float:
        """Attention in blocks; surer with a table of tokens."""
        attention = structure.attention_modules(network)
        if not attention:
            return 0.0
        layers = structure.blocks(network, attention)
        return 0.8 if token_tables(network, layers) else 0.6

    def plan(self, network: Network) -> Plan:
        """Tokens, positions, every block, attention, logits."""
        return self.plan_of(network, _layers(network))

    def plan_of(self, network: Network, layers: tuple[Block, ...]) -> Plan:
        """The plan for layers that are known."""
        sides = Sides.of(network, layers)
        width = _width(network, layers)
        tables = token_tables(network, layers)
        taps = [
            *_token_taps(tables, sides),
            *patch_taps(network, layers),
            *position_taps(network, layers, width),
        ]
        missing: list[Missing] = []
        root = next(iter(network.roots))
        if not any(tap.kind == "position" for tap in taps):
            missing.append(no_position(network, root))
        for block in layers:
            own, lost = _block(network, block, width, sides)
            taps += own
            missing += lost
        taps += [*_first_inputs(layers, sides), *_norms(network, layers, width, sides)]
        if not tables:
            why = "no table of token vectors was found: the model is given vectors"
            missing += [Missing(root, "ids", why), Missing(root, "embedding", why)]
        heads = _output_layers(network, layers, tables)
        if heads:
            taps.append(Tap(root, "logits", take=_logits(heads), attrs=sides.last()))
        else:
            missing.append(Missing(root, "logits", "the model has no output layer as wide as its vocabulary"))
        return Plan(
            tuple(taps), tuple(missing), attends=tuple(path for block in layers for path in block.attention),
            attention=sides.attention(layers), two_sided=sides.two,
        )  # fmt: skip

    def facts(self, network: Network) -> dict[str, Any]:
        """Sizes from the structure and, where the model carries one, from its configuration."""
        return self.facts_of(network, _layers(network))

    def facts_of(self, network: Network, layers: tuple[Block, ...]) -> dict[str, Any]:
        """The facts for layers that are known."""
        if not layers:
            return {}
        config = getattr(next(iter(network.roots.values())), "config", None)
        config = getattr(config, "text_config", None) or config
        tables = token_tables(network, layers)
        attention = _attention(network, layers)
        width = _number(config, "hidden_size", "d_model", "n_embd") or _width(network, layers)
        heads = _number(config, "num_attention_heads", "n_head", "num_heads") or heads_of(attention)
        own = _number(config, "head_dim") or _number(attention, "head_dim")
        vocab = max((int(_rows(table)) for table in tables.values()), default=None)
        return {
            "n_layers": max(len(layers), _number(config, "num_hidden_layers", "n_layer") or 0),
            "d_model": width,
            "n_heads": heads,
            "n_kv_heads": _key_heads(config, attention, heads),
            "d_head": own or (width // heads if width and heads else None),
            "d_ff": _feed_width(network, layers, width, config),
            "context": _number(config, "max_position_embeddings", "n_positions", "block_size")
            or _positions(network, layers),
            "vocab": vocab,
            **_experts(config),
        }

    def parts(self, network: Network) -> list[dict[str, Any]]:
        """Embedding, positions, attention, feed-forward, norms, head."""
        return self.parts_of(network, _layers(network))

    def parts_of(self, network: Network, layers: tuple[Block, ...]) -> list[dict[str, Any]]:
        """The parts for layers that are known."""
        tables = token_tables(network, layers)
        taps = position_taps(network, layers, _width(network, layers))
        tables_of_positions = [tap.path for tap in taps if tap.path and tap.path not in tables]
        heads = _output_paths(network, layers, tables)
        return parts_of(network, layers, tokens=tables, positions=tables_of_positions, heads=heads)


def _layers(network: Network) -> tuple[Block, ...]:
    """The layers with attention, and those without that stand among them."""
    return stacks.with_neighbours(network, structure.blocks(network, structure.attention_modules(network)))


def _attention(network: Network, layers: tuple[Block, ...]) -> nn.Module | None:
    """The first attention module."""
    return next((network[path] for block in layers for path in block.attention), None)


def _token_taps(tables: Mapping[str, nn.Module], sides: Sides) -> Iterator[Tap]:
    weights = [table._parameters.get("weight") for table in tables.values()]
    for path, table in tables.items():
        attrs = sides.at(path)
        tied = (
            sum(weight is table._parameters.get("weight") for weight in weights) > 1
        )  # one of them may be idle
        yield Tap(path, "ids", take=ids_taken, attrs=attrs, optional=tied)
        yield Tap(path, "embedding", attrs=attrs, optional=tied)


def _block(
    network: Network, block: Block, width: int | None, sides: Sides
) -> tuple[list[Tap], list[Missing]]:
    """What to capture in one block: its output, and what each of its parts adds."""
    attrs = sides.at(block.path)
    taps = [Tap(block.path, "hidden", attrs=attrs)]
    missing: list[Missing] = []
    attending = []
    for path in block.attention:
        unit = unit_of(network, block.path, path)
        attending.append(unit)
        source = _adding(network, unit)
        if source is None or unit == block.path:
            reason = "no module's output is what attention alone adds: it is computed inside a larger one"
            missing.append(Missing(path, "contribution", reason))
        else:
            taps.append(Tap(source, "contribution", site=unit, attrs=attrs))
    rest = [
        path
        for path, _ in structure.units(network, block.path)
        if path not in attending and structure.holds_matrices(network, path)
    ]
    if block.path in attending:
        rest = []
    if not block.attention:
        taps += stacks.mixing_taps(network, block.path, attrs)
        missing.append(stacks.no_attention(network, block.path))
        rest = stacks.feeding_parts(network, block.path, rest)
    own, lost = feed_forward_taps(network, rest, width, attrs)
    if not own:
        lost.append(Missing(block.path, "neuron", "no feed-forward network was found in this block"))
    return [*taps, *own], [*missing, *lost]


def _first_inputs(layers: tuple[Block, ...], sides: Sides) -> Iterator[Tap]:
    """What the first block of each stack gets."""
    first = {sides.name(block.path): block.path for block in reversed(layers)}
    for path in first.values():
        yield Tap(path, "block_input", take=given, attrs=sides.at(path))


def _norms(network: Network, layers: tuple[Block, ...], width: int | None, sides: Sides) -> Iterator[Tap]:
    """Normalisations of the residual stream, in the blocks and after them."""
    inside = structure.within(network, layers)
    for path, module in network.modules.items():
        if network.path(module) == path and structure.normalises_stream(network, path, width):
            # Outside the blocks they may belong to a head or a table that a run does not need.
            yield Tap(path, "normalised", attrs=sides.at(path), optional=path not in inside)


def _adding(network: Network, unit: str) -> str | None:
    """The module whose output a part adds: itself, or its last projection if it adds inside."""
    if not structure.adds_residual(network, unit):
        return unit
    return next(reversed(structure.linears(network, unit)), None)


def _width(network: Network, layers: tuple[Block, ...]) -> int | None:
    """Width of the residual stream: of the norms in the first block itself, or of its attention."""
    if not layers:
        return None
    for _, module in structure.units(network, layers[0].path):
        if structure.is_norm(module) and module._parameters.get("weight") is not None:
            return int(module._parameters["weight"].numel())  # type: ignore[union-attr]
    embed = _number(_attention(network, layers), "embed_dim", "hidden_size", "d_model")
    if embed:
        return embed
    inside = structure.linears(network, layers[0].path)
    return structure.width_out(network[inside[-1]]) if inside else None


def _output_layers(
    network: Network, layers: tuple[Block, ...], tables: Mapping[str, nn.Module]
) -> frozenset[int]:
    """Widths of the linear modules outside the blocks that are as wide as a vocabulary."""
    outs = (structure.width_out(network[path]) for path in _output_paths(network, layers, tables))
    return frozenset(int(out or 0) for out in outs)


def _output_paths(
    network: Network, layers: tuple[Block, ...], tables: Mapping[str, nn.Module]
) -> tuple[str, ...]:
    """Linear modules outside the blocks that are as wide as a vocabulary, or are called so."""
    vocabularies = {int(_rows(table)) for table in tables.values()}
    inside = structure.within(network, layers)
    return tuple(
        path
        for path, module in network.modules.items()
        if path not in inside
        and structure.is_linear(module)
        and (
            structure.width_out(module) in vocabularies or re.search(r"lm_head|unembed|vocab|generator", path)
        )
    )


def _logits(widths: frozenset[int]) -> Callable[[Call], torch.Tensor | None]:
    def take(call: Call) -> torch.Tensor | None:
        named = getattr(call.output, "logits", None)
        if named is None and isinstance(call.output, Mapping):
            named = call.output.get("logits")
        parts = [named] if isinstance(named, torch.Tensor) else _tensors(call.output)
        return next((part for part in parts if part.ndim in (2, 3) and part.shape[-1] in widths), None)

    return take


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = tuple(value.values())
    return (
        [part for part in value if isinstance(part, torch.Tensor)] if isinstance(value, list | tuple) else []
    )


def _positions(network: Network, layers: tuple[Block, ...]) -> int | None:
    """How many positions a table or parameter holds."""
    for tap in position_taps(network, layers, _width(network, layers)):
        length = table_length(network[tap.path])
        if length:
            return length
    return None


def _key_heads(config: Any, attention: nn.Module | None, heads: int | None) -> int | None:
    """Heads of keys and values: fewer than query heads under grouped-query attention (arXiv:2305.13245)."""
    grouped = getattr(config, "new_decoder_architecture", False)  # Falcon's later models
    if getattr(config, "multi_query", False) is True and not grouped:
        return 1
    return (
        _number(config, "num_key_value_heads", "num_kv_heads", "n_kv_heads", "multi_query_group_num")
        or _number(attention, "num_key_value_heads", "n_kv_heads", "num_kv_heads")
        or heads
    )


def _feed_width(network: Network, layers: tuple[Block, ...], width: int | None, config: Any) -> int | None:
    """How many neurons the feed-forward network of the first block has; of several experts, one's."""
    told = _number(config, "moe_intermediate_size", "intermediate_size", "ffn_dim", "n_inner", "d_ff")
    block = layers[0]
    attending = {unit_of(network, block.path, path) for path in block.attention}
    if told or block.path in attending:
        return told
    outs = [
        structure.width_out(network[linear])
        for path, _ in structure.units(network, block.path)
        if path not in attending
        for linear in structure.linears(network, path)
    ]
    return max((out for out in outs if out and out != width), default=None)


def _experts(config: Any) -> dict[str, int]:
    """How many experts a layer has and how many of them a token goes through."""
    every = _number(config, "num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")
    active = _number(config, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k")
    return {"n_experts": every, "n_active_experts": active} if every and active else {}


def _rows(table: nn.Module) -> int:
    return int(table.num_embeddings)  # type: ignore[arg-type]


def _number(source: Any, *names: str) -> int | None:
    for name in names:
        try:
            value = getattr(source, name, None)
        except Exception:  # a configuration may refuse to name one number where layers differ
            continue
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
