"""Route ``registry``: Hugging Face models, above their choice of a kernel.

Every modelling file asks ``AttentionInterface.get_interface`` for the function to call. What is handed out is
wrapped there, so the model's configuration, its masks and its kernel stay what they were; registering an
implementation of our own would have to write to a configuration that threads and models share.

The function is called with queries and keys after rotation and before heads are repeated or packed. What was
really computed is read one level below: from the ``scaled_dot_product_attention`` that it ends in (mask and
scale), or from the weights that it returns (eager); from its own arguments only where neither is there (flash
and flex kernels).
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks
from genviz.capture.attention import frames
from genviz.capture.attention.seen import Seen, tell
from genviz.capture.modules import Network

# Arguments of a kernel that is not PyTorch's own, as far as they are understood.
_NEUTRAL = {
    "cache", "cu_seq_lens_k", "cu_seq_lens_q", "cu_seqlens_k", "cu_seqlens_q", "deterministic",
    "dropout", "is_causal", "max_length_k", "max_length_q", "output_attentions", "position_ids",
    "s_aux", "scaling", "sliding_window", "softcap", "use_cache", "cache_position", "past_key_value",
    "past_key_values", "return_dict",
}  # fmt: skip


def stand_ins(network: Network) -> Iterator[hooks.StandIn]:
    """The registry, when transformers is there and one of its models is to be recorded."""
    modeling = sys.modules.get("transformers.modeling_utils")
    interface = getattr(modeling, "AttentionInterface", None)
    if interface is not None and hasattr(interface, "get_interface"):
        yield hooks.StandIn(interface, "get_interface", _build)


def _build(original: Callable[..., Callable[..., Any]]) -> Callable[..., Callable[..., Any]]:
    def get_interface(self: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        function = original(self, *args, **kwargs)
        return _observed(function) if hooks.watchers() else function

    return get_interface


def _observed(function: Callable[..., Any]) -> Callable[..., Any]:
    def attention(
        module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
        attention_mask: Any = None, *args: Any, **kwargs: Any,
    ) -> Any:  # fmt: skip
        with frames.opened() as frame:
            output = function(module, query, key, value, attention_mask, *args, **kwargs)
        called = _Called(module, query, key, value, attention_mask, kwargs)
        tell(lambda: called.seen(frame, output), module)
        return output

    return attention


class _Called:
    """The arguments of one attention function."""

    def __init__(
        self, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
        mask: Any, options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.module, self.query, self.key, self.value = module, query, key, value
        self.mask, self.options = mask, options

    def seen(self, frame: frames.Frame, output: Any) -> Seen:
        attended = output[0] if isinstance(output, tuple) else output
        seen = self._seen(frame, output)
        seen.module = self.module
        if isinstance(attended, torch.Tensor) and attended.ndim == 4:
            seen.output = attended.transpose(1, 2)
        if seen.value is None and self.value.ndim == 4:
            seen.value = self.value[:, :, : seen.lengths[1]]  # a static cache is cut to what is filled
        return seen

    def _seen(self, frame: frames.Frame, output: Any) -> Seen:
        if frame.inner is not None and _is_query(frame.inner.query, self.query):
            return self._from_kernel(frame)
        weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if isinstance(weights, torch.Tensor) and weights.ndim == 4:
            if frame.softmax is not None and frame.softmax.shape == weights.shape:
                weights = frame.softmax  # before dropout
            return Seen("eager", weights=weights)
        if frame.inner is not None:
            return frame.inner.seen(None)
        return self._from_arguments()

    def _from_kernel(self, frame: frames.Frame) -> Seen:
        inner = frame.inner
        assert inner is not None
        key = self.key[:, :, : inner.key.shape[-2]]  # a static cache is cut to what is filled
        mask = inner.mask
        if mask is not None and inner.query.shape[1] != self.query.shape[1] and mask.shape[1] > 1:
            mask = mask.reshape(mask.shape[0], self.query.shape[1], 1, mask.shape[-1])  # packed heads
        return Seen(
            "registry", query=self.query, key=key, mask=mask, causal=inner.causal, scale=inner.scale
        )  # fmt: skip

    def _from_arguments(self) -> Seen:
        options, lengths = self.options, (self.query.shape[2], self.key.shape[2])
        unknown = [name for name, value in options.items() if name not in _NEUTRAL and value is not None]
        if unknown:
            raise NotImplementedError(
                f"the attention kernel was called with {', '.join(unknown)}, whose effect on the weights "
                "is unknown: "
                'load the model with attn_implementation="sdpa"'
            )
        causal = options.get("is_causal")
        causal = bool(getattr(self.module, "is_causal", True) if causal is None else causal)
        scale = options.get("scaling")
        seen = Seen(
            "registry", query=self.query, key=self.key,
            scale=1 / math.sqrt(self.query.shape[-1]) if scale is None else float(scale),
            softcap=options.get("softcap"), sinks=options.get("s_aux"),
        )  # fmt: skip
        if isinstance(self.mask, torch.Tensor) and self.mask.ndim == 4:
            seen.mask = self.mask
            return seen
        block = getattr(self.mask, "mask_mod", None)
        if block is not None:
            seen.mask = _dense(block, self.query.shape[0], lengths, self.query.device)
            return seen
        seen.causal, seen.offset = causal and lengths[0] > 1, lengths[1] - lengths[0]
        seen.window = options.get("sliding_window")
        if isinstance(self.mask, torch.Tensor):
            seen.key_mask = self.mask[:, -lengths[1] :].bool()
        return seen


def _is_query(inner: torch.Tensor, outer: torch.Tensor) -> bool:
    """Tell whether the kernel got these queries: as they are, or a group's heads packed together."""
    return inner.numel() == outer.numel() and inner.shape[-1] == outer.shape[-1] and inner.ndim == 4


def _dense(mask_mod: Any, samples: int, lengths: tuple[int, int], device: torch.device) -> torch.Tensor:
    from torch.nn.attention.flex_attention import create_mask

    with hooks.quiet():
        mask: torch.Tensor = create_mask(mask_mod, samples, 1, *lengths, device=str(device))
    return mask
