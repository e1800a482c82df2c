"""Small models of any Hugging Face model type, from its configuration alone.

A configuration is made small by the names of its fields: widths, layers, heads, vocabulary, picture sizes.
Parts (text, vision, audio) are made small in the same way, so that they still fit together. Where a model
does not accept that, less is changed.
"""

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

# A size for every name that configurations use; what is not named keeps its default.
_WIDTHS: Mapping[str, Any] = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embed_dim": 32, "embedding_size": 32,
    "d_embed": 32, "word_embed_proj_dim": 32, "emb_dim": 32, "hidden_dim": 64, "d_inner": 64,
    "d_head": 8, "head_dim": 8, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_num_heads": 8,
    "mamba_head_dim": 8, "mamba_n_groups": 1, "d_kv": 8, "kv_channels": 8, "intermediate_size": 64,
    "ffn_dim": 64,
    "d_ff": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "n_inner": 64, "ffn_hidden_size": 64,
    "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32, "rotary_dim": 4,
    "projection_dim": 32, "out_hidden_size": 32, "projection_hidden_size": 32, "projector_hidden_size": 32,
    "encoder_hidden_size": 32, "decoder_hidden_size": 32, "text_hidden_size": 32, "vision_hidden_size": 32,
    "audio_hidden_size": 32, "output_dim": 32, "output_hidden_size": 32, "n_embed": 32, "projector_dim": 32,
    "projection_size": 32, "text_embed_dim": 32, "vision_embed_dim": 32, "image_embed_dim": 32,
    "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8,
    "qk_head_dim": 16, "global_head_dim": 8, "d_state": 8, "state_size": 8, "mamba_d_state": 8,
    "attention_head_dim": 8, "attention_hidden_size": 32, "block_size": 4, "lru_width": 32,
    "attn_layer_period": 2, "attn_layer_offset": 1, "index_head_dim": 16, "index_n_heads": 2,
    "index_topk": 4, "o_lora_rank": 16,
    # narrow layers of the usual weights attend to all alike, where a wrong mask or scale would not show
    "initializer_range": 0.15, "init_std": 0.15,
    "decoder_intermediate_size": 64, "expert_ffn_hidden_size": 32, "mlp_dim": 64, "dim_feedforward": 64,
}  # fmt: skip
_COUNTS: Mapping[str, Any] = {
    "num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "num_layers": 2, "encoder_layers": 2,
    "decoder_layers": 2, "num_decoder_layers": 2, "num_encoder_layers": 2, "depth": 2,
    "decoder_num_hidden_layers": 2, "encoder_num_hidden_layers": 2, "decoder_depth": 2,
    "num_nextn_predict_layers": 0, "first_k_dense_replace": 1, "vocab_size": 100, "n_routed_experts": 4,
    "num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_num_experts": 4,
    "moe_num_shared_experts": 1, "n_group": 1, "topk_group": 1, "moe_k": 2, "type_vocab_size": 2,
    "n_shared_experts": 1, "max_position_embeddings": 64, "n_positions": 64, "n_ctx": 64,
    "max_target_positions": 64, "max_source_positions": 64, "num_buckets": 8, "num_queries": 8,
    "num_mtp_layers": 0, "num_zero_layers": 0, "num_cross_attention_layers": 1,
}  # fmt: skip
_HEADS: Mapping[str, Any] = {
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "encoder_num_attention_heads": 4,
    "decoder_num_attention_heads": 4, "n_kv_heads": 2,
}  # fmt: skip
_PICTURES: Mapping[str, Any] = {"image_size": 32, "patch_size": 8, "num_channels": 3}
_TOKENS: Mapping[str, Any] = {
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1,
    "image_token_id": 95, "image_token_index": 95, "video_token_id": 96, "video_token_index": 96,
    "audio_token_id": 97, "audio_token_index": 97, "vision_start_token_id": 98, "vision_end_token_id": 99,
    "boi_token_id": 98, "eoi_token_id": 99, "boi_token_index": 98, "eoi_token_index": 99,
    "image_start_token_id": 98, "image_end_token_id": 99, "image_begin_token_id": 98,
    "vision_token_id": 95, "sep_token_id": 3, "mask_token_id": 4, "cls_token_id": 5, "unk_token_id": 4,
    "audio_start_token_id": 93, "audio_end_token_id": 94, "boa_token_id": 93, "eoa_token_id": 94,
}  # fmt: skip
_ALWAYS: Mapping[str, Any] = {"dropout": 0.0, "use_cache": True}

_UNGROUPED: Mapping[str, Any] = {"num_key_value_heads": 4, "n_kv_heads": 4}

#: Parameters of the largest model that is tried.
LARGEST = 40_000_000


@dataclass(frozen=True)
class Strategy:
    """What is changed: some fields to fixed sizes, and all other widths divided by one number."""

    sizes: Mapping[str, Any]
    divisor: int = 1


_FIXED = {**_COUNTS, **_TOKENS, **_ALWAYS}
_LAYERS = {name: count for name, count in _COUNTS.items() if "layer" in name or "expert" in name}

#: Tried in order until a model can be built and run.
STRATEGIES: Mapping[str, Strategy] = {
    "all": Strategy({**_WIDTHS, **_HEADS, **_PICTURES, **_FIXED}),
    "all, ungrouped": Strategy({**_WIDTHS, **_HEADS, **_UNGROUPED, **_PICTURES, **_FIXED}),
    "all but pictures": Strategy({**_WIDTHS, **_HEADS, **_FIXED}),
    "a sixteenth": Strategy(_FIXED, 16),
    "a quarter": Strategy(_FIXED, 4),
    "counts and pictures": Strategy({**_PICTURES, **_FIXED}),
    "counts": Strategy(_FIXED),
    "layers": Strategy({**_LAYERS, **_ALWAYS}),
}

# What one model type asks for and its configuration does not tell.
_PARTICULAR: Mapping[str, Mapping[str, Any]] = {
    "mamba2": {"num_heads": 8},  # hidden_size · expand = num_heads · head_dim
    "recurrent_gemma": {"num_hidden_layers": 3},  # recurrent, recurrent, attention
    "bamba": {"attn_layer_indices": [1]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "cohere_compass_text": {"rope_parameters": {
        each: {"rope_type": "default", "rope_theta": 1e4} for each in ("full_attention", "sliding_attention")
    }},
    "autoformer": {"prediction_length": 4}, "informer": {"prediction_length": 4},
    "time_series_transformer": {"prediction_length": 4},
}  # fmt: skip


def small_config(model_type: str, strategy: str = "all", **changes: Any) -> Any:
    """A configuration of a model type, made small; ``changes`` are set last."""
    from transformers import AutoConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = type(AutoConfig.for_model(model_type))
        return _small(kind, STRATEGIES[strategy], {**_PARTICULAR.get(model_type, {}), **changes})


def _small(kind: type, strategy: Strategy, changes: Mapping[str, Any]) -> Any:
    config = kind()
    fields = {**_divided(config, strategy.divisor), **dict(_fields(config, strategy.sizes))}
    fields.update(_rotary(config, fields, strategy))
    for name in getattr(kind, "sub_configs", {}):
        part = _present(config, name)
        if part is not None and hasattr(part, "to_dict"):
            fields[name] = _small(type(part), strategy, {})
    return kind(**{**fields, **changes})


def _fields(config: Any, sizes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a configuration that have a small size, each under its own name."""
    kind, told = type(config), config.to_dict()
    known = set(told) | set(inspect.signature(kind.__init__).parameters)
    latent = told.get("kv_lora_rank") is not None  # multi-head latent attention has as many keys as queries
    for name, size in sizes.items():
        if name not in known and name not in kind.attribute_map:
            continue
        present = _present(config, name)
        if name == "num_key_value_heads" and (present is None or latent):
            size = sizes.get("num_attention_heads", size)
        if isinstance(present, list | tuple) and not isinstance(size, list | tuple):
            if name in _PICTURES and all(isinstance(each, int) for each in present):
                yield name, type(present)([size] * len(present))
            continue  # one size per stage: left as it is
        if name != "num_channels" or not isinstance(present, int):
            yield name, size
    if isinstance(told.get("layer_types"), list) and "num_hidden_layers" in sizes:
        yield "layer_types", _one_of_each(told["layer_types"])


def _present(config: Any, name: str) -> Any:
    try:
        return getattr(config, name, None)
    except Exception:  # differs from layer to layer
        return None


def _divided(config: Any, divisor: int) -> dict[str, Any]:
    """Every width of a configuration, smaller by one factor; what does not divide is left."""
    return {
        name: value // divisor
        for name, value in config.to_dict().items()
        if divisor > 1 and isinstance(value, int) and _WIDTH.search(name) and not _NO_WIDTH.search(name)
        and value % divisor == 0 and value // divisor >= 4
    }  # fmt: skip


def _rotary(config: Any, fields: Mapping[str, Any], strategy: Strategy) -> Iterator[tuple[str, Any]]:
    """Rotary sections (of time, row, column) share out half a head, whatever its size is now."""
    told = config.to_dict()
    rope = told.get("rope_parameters")
    if not isinstance(rope, dict) or strategy.divisor > 1 or not _names_sections(type(config)):
        return
    partial = rope.get("partial_rotary_factor") or told.get("partial_rotary_factor") or 1.0
    half = int(fields.get("head_dim", 8) * partial) // 2
    third = half // 3
    yield "rope_parameters", {**rope, "mrope_section": [half - 2 * third, third, third]}


def _names_sections(kind: type) -> bool:
    """Tell whether a model shares its rotation out: it may do so without a word in its configuration."""
    path = Path(inspect.getfile(kind))
    modeling = path.with_name(path.name.replace("configuration_", "modeling_"))
    return modeling.exists() and "mrope_section" in modeling.read_text()


_WIDTH = re.compile(r"(size|dim|rank|width|channels|embd|d_model|d_ff|d_kv|d_inner|n_inner)$")
_NO_WIDTH = re.compile(
    r"vocab|image|patch|kernel|window|chunk|crop|stride|merge|pool|batch|block|group|bucket"
)


def _one_of_each(kinds: list[str], count: int = 2) -> list[str]:
    """The first ``count`` different kinds of layer, or the first again."""
    different = list(dict.fromkeys(kinds))[:count]
    return different + [different[-1]] * (count - len(different))


def model_class(model_type: str) -> Any:
    """What builds a model type: ``AutoModel``, or the first other that knows it."""
    from transformers.models.auto import modeling_auto

    mappings = ["MODEL_MAPPING", *sorted(n for n in vars(modeling_auto) if n.startswith("MODEL_FOR_"))]
    from transformers import AutoConfig

    kind = type(AutoConfig.for_model(model_type))
    for name in mappings:
        mapping = getattr(modeling_auto, name)
        if name.endswith("_MAPPING") and kind in mapping:
            found = mapping[kind]
            return found[0] if isinstance(found, tuple) else found
    return None


def small_model(model_type: str, strategy: str = "all", seed: int = 0, **changes: Any) -> nn.Module:
    """A small model with random weights, in evaluation, on the implementation of attention it prefers."""
    kind = model_class(model_type)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if strategy != "all":
            _refuse_large(kind, small_config(model_type, strategy))
        torch.manual_seed(seed)
        model: nn.Module = kind._from_config(small_config(model_type, strategy), **changes)
    return model.eval()


def _refuse_large(kind: Any, config: Any) -> None:
    """Weigh a model before its weights are made."""
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in kind._from_config(config).parameters())
    if count > LARGEST:
        raise MemoryError(f"{count:,} parameters with the least that is known to be changeable")
