"""Models to capture from: Hugging Face architectures small from their configs, and hand-written ones."""

import inspect
import math
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional

# A size for every name that configurations use; what is not named keeps its default.
SMALL: dict[str, Any] = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embed_dim": 32, "embedding_size": 32,
    "d_embed": 32, "word_embed_proj_dim": 32, "emb_dim": 32, "hidden_dim": 64, "d_inner": 64,
    "d_head": 8, "num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "num_layers": 2,
    "encoder_layers": 2, "decoder_layers": 2, "num_decoder_layers": 2, "num_encoder_layers": 2,
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "num_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "d_kv": 8, "kv_channels": 8,
    "intermediate_size": 64, "ffn_dim": 64, "d_ff": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
    "n_inner": 64, "ffn_hidden_size": 64, "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32, "vocab_size": 100, "max_position_embeddings": 64,
    "n_positions": 64, "n_ctx": 64, "max_target_positions": 64, "max_source_positions": 64,
    "num_local_experts": 4, "num_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "type_vocab_size": 2, "image_size": 16, "patch_size": 8, "num_channels": 3, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "rotary_dim": 4,
    "num_buckets": 8, "dropout": 0.0, "use_cache": True,
}  # fmt: skip


def small_config(model_type: str, **changes: Any) -> Any:
    """A configuration of a Hugging Face model type, shrunk by the names of its fields."""
    from transformers import AutoConfig

    config_class = type(AutoConfig.for_model(model_type))
    config = config_class()
    known = set(config.to_dict()) | set(inspect.signature(config_class.__init__).parameters)
    names = {
        config_class.attribute_map.get(name, name) for name in SMALL if name in config_class.attribute_map
    }
    fields = {name: value for name, value in SMALL.items() if name in known or name in names}
    if "num_key_value_heads" in fields and not _grouped(config):
        fields["num_key_value_heads"] = 4
    return config_class(**{**fields, **changes})


def _grouped(config: Any) -> bool:
    groups = getattr(config, "num_key_value_heads", None)
    return groups is not None


def hugging_face(model_type: str, **changes: Any) -> nn.Module:
    """A small model of a Hugging Face architecture with random weights, on SDPA where it has it."""
    from transformers import AutoModel

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: nn.Module = AutoModel.from_config(small_config(model_type, **changes))
    return model.eval()


def inputs_of(model: nn.Module, length: int = 7) -> dict[str, torch.Tensor]:
    """What a model's forward asks for: ids, pixels; a batch of two, the second padded on the right."""
    torch.manual_seed(1)
    asked = set(inspect.signature(model.forward).parameters)
    config: Any = model.config
    if "pixel_values" in asked and "input_ids" not in asked:
        size = config.image_size if isinstance(config.image_size, int) else config.image_size[0]
        return {"pixel_values": torch.randn(2, config.num_channels, size, size)}
    ids = torch.randint(5, 90, (2, length))
    mask = torch.ones_like(ids)
    mask[1, length - 2 :] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    if "decoder_input_ids" in asked:
        given["decoder_input_ids"] = torch.randint(5, 90, (2, length - 2))
    return {name: value for name, value in given.items() if name in asked or name == "input_ids"}


class HandWritten(nn.Module):
    """A decoder as people write it after a lecture: its own softmax, learned positions as a parameter."""

    def __init__(self, vocab: int = 50, width: int = 32, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.tok = nn.Embedding(vocab, width)
        self.pos = nn.Parameter(torch.randn(1, 64, width) * 0.1)
        self.blocks = nn.ModuleList(HandWrittenBlock(width, heads) for _ in range(layers))
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tok(ids) + self.pos[:, : ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        scores: torch.Tensor = self.head(self.ln(x))
        return scores


class HandWrittenBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.attn = HandWrittenAttention(width, heads)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln1(x))
        out: torch.Tensor = x + self.mlp(self.ln2(x))
        return out


class HandWrittenAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.weights: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        weights = functional.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1)
        self.weights = weights.detach()
        mixed: torch.Tensor = self.proj((weights @ v).transpose(1, 2).flatten(2))
        return mixed


class OwnSdpa(HandWrittenAttention):
    """The same attention through ``F.scaled_dot_product_attention``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: torch.Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


def eager_twin(model_type: str, model: nn.Module) -> Any:
    """The same weights on the implementation that can be asked for its attention."""
    from transformers import AutoModel

    twin = AutoModel.from_config(small_config(model_type), attn_implementation="eager")
    twin.load_state_dict(model.state_dict())
    return twin.eval()
