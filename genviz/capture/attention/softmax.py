"""Route ``eager``: a model that computes the softmax of its scores itself; the finished weights are kept.

``F.softmax`` and ``nn.Softmax`` end in ``Tensor.softmax``, so that method and ``torch.softmax`` cover
every way to write it but ``exp`` and ``sum`` by hand.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks
from genviz.capture.attention import frames, mixing
from genviz.capture.attention.code import multiplies
from genviz.capture.attention.names import holders
from genviz.capture.attention.seen import Seen, four_axes, heads_of, tell
from genviz.capture.modules import Network

# Modules that only apply a function: the attention is their parent's.
_FUNCTIONS = (nn.Softmax, nn.Dropout, nn.Identity)


def stand_ins(network: Network) -> Iterator[hooks.StandIn]:
    """Where a softmax can be called."""
    yield hooks.StandIn(torch.Tensor, "softmax", _build)
    for owner in (torch, torch.special):
        yield hooks.StandIn(owner, "softmax", _build)
        for module, name in holders(network, hooks.original(owner, "softmax")):
            yield hooks.StandIn(module, name, _build)


def _build(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    @functools.wraps(original)
    def softmax(*args: Any, **kwargs: Any) -> torch.Tensor:
        output = original(*args, **kwargs)
        if hooks.watchers() and _is_last(output, args, kwargs):
            frame = frames.current()
            if frame is not None:
                frame.softmax = output
            else:
                seen = tell(lambda: _seen(output))
                if seen is not None:
                    mixing.wait_for(seen)
        return output

    return softmax


def _is_last(output: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return isinstance(axis, int) and axis in (-1, output.ndim - 1) and output.is_floating_point()


def _seen(weights: torch.Tensor) -> Seen | None:
    """The weights as attention, or None for a softmax of something else (a router, a vocabulary)."""
    module = next((m for m in reversed(hooks.running()) if not isinstance(m, _FUNCTIONS)), None)
    if module is None or weights.ndim < 2:
        return None
    if (weights.ndim < 4 or _weighs_otherwise(module)) and not makes_scores(module):
        return None
    if weights.ndim == 2 and _as_wide_as_a_projection(weights, module):
        raise ValueError(
            f"a softmax over {weights.shape[1]} columns was seen, as many as a projection of this module has "
            "outputs: it may be scores or an output layer; give the input a sample axis"
        )
    heads = heads_of(module)
    multi_head = isinstance(module, nn.MultiheadAttention)
    return Seen("multi_head" if multi_head else "eager", weights=four_axes(weights, heads), module=module)


def _weighs_otherwise(module: nn.Module) -> bool:
    """Tell whether a module has one matrix of its own or two: a mixture of streams, say.

    One that only scores what it is given has none; attention has three, or one for all three.
    """
    own = [each.shape for each in module._parameters.values() if each is not None and each.ndim == 2]
    return 0 < len(own) < 3 and not any(max(shape) in (2 * min(shape), 3 * min(shape)) for shape in own)


def makes_scores(module: nn.Module) -> bool:
    """Tell whether a softmax in a module's code is one of scores: it has heads, or projects and multiplies.

    Attention projects its input at least twice (queries and keys), or once for all three together.
    """
    if heads_of(module) is not None:
        return True
    widths = _projections(module)
    fused = any(out in (2 * into, 3 * into) or into in (2 * out, 3 * out) for out, into in widths)
    return (len(widths) >= 3 or fused) and multiplies(type(module))


def _as_wide_as_a_projection(weights: torch.Tensor, module: nn.Module) -> bool:
    """Without sample and head axes, scores look like an output layer's."""
    return weights.shape[1] in {out for out, _ in _projections(module)}


def _projections(module: nn.Module) -> list[tuple[int, int]]:
    return [found for child in module.children() if (found := _widths(child)) is not None]


def _widths(module: nn.Module) -> tuple[int, int] | None:
    """Outputs and inputs of a projection, without its weight: that may be computed at each reading."""
    into, out = getattr(module, "in_features", None), getattr(module, "out_features", None)
    if isinstance(into, int) and isinstance(out, int):
        return out, into
    weight = module._parameters.get("weight")
    if weight is None or weight.ndim != 2 or isinstance(module, nn.Embedding):
        return None
    return int(weight.shape[0]), int(weight.shape[1])
