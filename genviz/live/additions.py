"""A run cut into what is added to the residual stream, so that what comes of each addition can be told apart.

Every addition (what the first block gets, what attention and feed-forward networks give, biases) is put into
the run as a fresh vector, and each norm's scale is held at what it is; then the stream, and whatever is
linear in it, is a sum of the additions' shares (Elhage et al. 2021, "A Mathematical Framework for Transformer
Circuits"). A share is the vector times the gradient along that way, worked out by autograd through the model
as it runs, so norms before or after the addition, factors on the stream and tied weights count as the model
has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from genviz.capture import part_by_part
from genviz.capture.attention.seen import heads_of
from genviz.capture.families.base import Call, Tap
from genviz.capture.families.structure import attention_modules, is_linear, linears, normalises_stream
from genviz.capture.modules import Network
from genviz.capture.replacing import Replacement, replacing, with_first
from genviz.live.frozen import Frozen
from genviz.live.head_outputs import by_slices, multi_head_mix
from genviz.live.held_factor import HeldFactor
from genviz.live.stack import Layout, only_sample

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel


@dataclass
class Leaf:
    """Something that is added to the stream.

    Parameters
    ----------
    kind : str
        ``"embedding"``, ``"attention"``, ``"cross_attention"``, ``"feed_forward"`` or ``"bias"``.
    site : str
    number : int
        How many times the module had run before.
    vector : Tensor
        What is added; the gradient is taken with respect to it.
    heads : Tensor, (head, token, channel), optional
        What each head adds of it.
    """

    kind: str
    site: str
    number: int
    vector: Tensor
    heads: Tensor | None = None


@dataclass
class Cut:
    """Hooks that cut a run into its additions, and what they collect."""

    live: "TextModel"
    layout: Layout
    leaves: list[Leaf] = field(default_factory=list)
    inside: dict[tuple[str, int], list[Call]] = field(default_factory=dict)  # linear modules of attention
    raw: Tensor | None = None
    ends: list[Tensor | None] = field(default_factory=list)  # the stream behind each block
    odd: list[str] = field(default_factory=list)  # norms that are none
    held: list[tuple[str, str]] = field(default_factory=list)  # activation functions: the layer's path, name
    open: tuple[str, Tensor] | None = None  # a linear module behind the blocks, and what it gave

    def leaf(self, kind: str, call: Call, values: Tensor) -> Tensor:
        """Put a fresh vector of the same values into the run."""
        vector = values.detach().clone().requires_grad_()
        self.leaves.append(Leaf(kind, call.path, call.number, vector))
        return vector


def run_cut(
    cut: Cut, ids: Sequence[int], target: Sequence[int] | None, tail: Sequence[nn.Module] = ()
) -> Any:
    """Run a model, cut; its output, with a gradient.

    Parameters
    ----------
    cut : Cut
        Collects the additions, and the stream behind each block.
    ids, target : sequence of int
    tail : sequence of nn.Module
        What runs behind the last block: the biases of its linear modules are additions too, and an
        activation function between two of them is held as a factor.
    """
    layout, model = cut.layout, cut.live.modules[""]
    outputs, inputs = _hooks(cut, tail)
    with (
        cut.live.running(),
        torch.enable_grad(),
        part_by_part(model),
        replacing(layout.network, outputs, inputs),
    ):
        return cut.live._run(ids, target)


def _hooks(cut: Cut, tail: Sequence[nn.Module]) -> tuple[dict[str, Replacement], dict[str, Replacement]]:
    network, first = cut.layout.network, cut.layout.blocks[0]
    outputs: dict[str, Replacement] = {}
    for path in network.modules:
        if network.path(network[path]) == path and normalises_stream(network, path, None):
            outputs[path] = lambda call: _held(cut, call)
    inputs: dict[str, Replacement] = {}
    for module in tail:
        path = network.path(module) or ""
        inputs[path] = lambda call: _activated(cut, call)
        if is_linear(module):
            outputs[path] = lambda call: _without_bias(cut, call)
    for tap in cut.layout.taps("contribution"):
        kind = _kind(cut.layout, tap)
        if kind != "feed_forward":
            for name in _candidates(network, tap):
                outputs[name] = lambda call, tap=tap: _look(cut, tap, call)  # type: ignore[misc]
        outputs[tap.path] = lambda call, kind=kind, tap=tap: _added(cut, call, kind, tap)  # type: ignore[misc]

    outputs.update(dict.fromkeys(cut.layout.blocks, lambda call: cut.ends.append(call.result)))

    def start(call: Call) -> Any:
        return (
            cut.leaf("embedding", call, call.given) if call.number == 0 and call.given is not None else None
        )

    return outputs, {**inputs, first: start}


def _held(cut: Cut, call: Call) -> Any:
    """A norm with its scale held, its bias a leaf of its own."""
    given, made = call.given, call.result
    if given is None or made is None or given.shape != made.shape or not given.requires_grad:
        return None
    frozen = Frozen.of(call.module, given)
    if frozen is None:
        cut.odd.append(call.path)
        return None
    if not frozen.bias.any():
        return with_first(call.output, frozen(given))
    return with_first(call.output, frozen(given, cut.leaf("bias", call, frozen.bias.expand_as(made))))


def _without_bias(cut: Cut, call: Call) -> Any:
    """The output layer and what stands before it: their biases are leaves."""
    made = call.result
    bias = call.module._parameters.get("bias")
    if made is None:
        return None
    if bias is not None:
        made = made - bias.detach() + cut.leaf("bias", call, bias.detach().expand_as(made))
    cut.raw, cut.open = made, (call.path, made)
    return with_first(call.output, made)


def _activated(cut: Cut, call: Call) -> Any:
    """What reads a linear module's output through an activation function gets it with the factor held."""
    if cut.open is None or call.given is None or not call.given.requires_grad:
        return None
    path, before = cut.open
    held = HeldFactor.between(before, call.given)
    if held is None:
        return None
    cut.open = None
    cut.held.append((path, held.name))
    return held(before)


def _added(cut: Cut, call: Call, kind: str, tap: Tap) -> Any:
    if call.result is None:
        return None
    if is_linear(call.module) and kind != "feed_forward":
        _look(cut, tap, call)
    leaf = cut.leaf(kind, call, call.result)
    cut.leaves[-1].site = tap.where
    if kind != "feed_forward":
        cut.leaves[-1].heads = _heads(cut, tap, call)
    return with_first(call.output, leaf)


def _kind(layout: Layout, tap: Tap) -> str:
    holds = [
        path for path in attention_modules(layout.network)
        if path == tap.where or path.startswith(f"{tap.where}.") or tap.where.startswith(f"{path}.")
    ]  # fmt: skip
    if not holds:
        return "feed_forward"
    named = layout.plan.attention_attrs(holds[0]).get("tokens", {})
    return (
        "cross_attention"
        if named.get("query") == "target_tokens" and named.get("key") == "tokens"
        else "attention"
    )


# -- heads -------------------------------------------------------------------------------------------


def _candidates(network: Network, tap: Tap) -> list[str]:
    """Linear modules in an attention part, of which one may put the heads together."""
    return [path for path in linears(network, tap.where) if path != tap.path]


def _look(cut: Cut, tap: Tap, call: Call) -> None:
    cut.inside.setdefault((tap.where, 0), []).append(call)


def _heads(cut: Cut, tap: Tap, call: Call) -> Tensor | None:
    """What each head adds, (head, token, channel), by the out-projection's own slices."""
    ran = cut.inside.pop((tap.where, 0), [])
    if isinstance(call.module, nn.MultiheadAttention):
        return by_slices(call.module.out_proj, multi_head_mix(call.module, call), call.module.num_heads)
    made = call.result
    assert made is not None
    count = _count(cut, tap)
    for each in reversed(ran):
        mixed, out = each.given, each.result
        if mixed is None or out is None or out.shape != made.shape or not count:
            continue
        if mixed.shape[-1] % count == 0 and torch.allclose(out, made):
            return by_slices(each.module, only_sample(mixed.detach()), count)
    return None


def _count(cut: Cut, tap: Tap) -> int | None:
    """Heads of this part: what a module in it says, or the model as a whole."""
    inside = (heads_of(module) for _, module in cut.layout.network.below(tap.where))
    return next((count for count in inside if count), cut.layout.heads)


# -- shares ----------------------------------------------------------------------------------------


def shares(cut: Cut, wanted: Tensor, *, keep: bool = False) -> tuple[list[dict[str, Any]], float]:
    """A number as a sum: the share of each addition, and of all biases together.

    Returns
    -------
    parts : list of dict
        ``kind``, ``site``, ``layer`` (place among the blocks, -1 before them), ``value``, ``heads``.
    bias : float
    """
    vectors = [leaf.vector for leaf in cut.leaves]
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
        wanted, vectors, retain_graph=keep, allow_unused=True
    )
    parts: list[dict[str, Any]] = []
    bias = 0.0
    for leaf, gradient in zip(cut.leaves, gradients, strict=True):
        if gradient is None:
            continue
        value = float((gradient.double() * leaf.vector.detach().double()).sum())
        if leaf.kind == "bias":
            bias += value
        else:
            parts.append({"kind": leaf.kind, "site": leaf.site, "layer": _layer(cut, leaf), "value": value,
                          "heads": _head_shares(leaf, gradient)})  # fmt: skip
    return parts, bias


def _layer(cut: Cut, leaf: Leaf) -> int:
    """The how-manieth block: in the order of blocks, a block that runs again counted again."""
    blocks = cut.layout.blocks
    if leaf.kind == "embedding":
        return -1
    inside = next(at for at, block in enumerate(blocks) if leaf.site.startswith(f"{block}."))
    return inside + leaf.number * len(blocks)


def _head_shares(leaf: Leaf, gradient: Tensor) -> Any:
    if leaf.heads is None:
        return None
    along = gradient[0] if gradient.ndim == 3 else gradient
    if along.shape != leaf.heads.shape[1:]:  # positions first (batch_first=False)
        along = gradient[:, 0]
    return np.asarray((leaf.heads.double() * along.double()).sum((-1, -2)).cpu().numpy())
