"""Models to capture from: Hugging Face architectures small from their configs, and hand-written ones."""

import inspect
import math
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.architectures.shrinking import small_config


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
