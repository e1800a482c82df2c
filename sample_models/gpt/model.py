"""Decoder-only transformer (Radford et al. 2019, "Language models are unsupervised multitask learners")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sample_models.microworld import COURSE, WordTokenizer, draw_stories, spell
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")
VOCABULARY = Path(__file__).with_name("vocabulary.json")
CONTEXT = 64
# Stories on show: none of them was trained on, and the metrics use yet other ones.
SHOWN_SEED = 90_011
# Of the beginnings of all stories on show, those from which greedy decoding misses the likelier sentence.
PROMPTS = ("the boy", "the robber", "the girl is near the river. a woman")


class SelfAttention(nn.Module):
    """Masked multi-head self-attention: a token sees itself and what is before it."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.project = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, token, d_model) for x of that shape."""
        batch, length, width = x.shape
        heads = (batch, length, self.n_heads, width // self.n_heads)
        q, k, v = (
            part.view(heads).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1)
        )  # (B, nh, T, hs)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, nh, T, hs)
        joined = mixed.transpose(1, 2).reshape(batch, length, width)  # (B, T, d_model)
        projected: Tensor = self.project(joined)
        return projected


class Block(nn.Module):
    """Attention, then feed-forward, each normalised before and added to the residual stream."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.attention = SelfAttention(d_model, n_heads)
        self.norm2 = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(),
            nn.Linear(4 * d_model, d_model),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, token, d_model) for x of that shape."""
        x = x + self.attention(self.norm1(x))
        fed: Tensor = self.feed_forward(self.norm2(x))
        return x + fed


class GPT(nn.Module):
    """Predict each next token from the ones before it.

    Parameters
    ----------
    vocab_size : int
        Size of the vocabulary.
    d_model, n_heads, n_layers : int, optional
        Width of the residual stream, heads per layer, blocks.
    context : int, optional
        Longest sequence of tokens.

    Examples
    --------
    >>> GPT(vocab_size=50)(torch.zeros(2, 7, dtype=torch.long)).shape
    torch.Size([2, 7, 50])
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        d_model: int = 128,
        n_heads: int = 4,
        n_layers: int = 4,
        context: int = CONTEXT,
    ) -> None:
        super().__init__()
        self.context = context
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.position_embedding = nn.Embedding(context, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.apply(_start)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits (batch, token, vocab) for ids (batch, token).

        Raises
        ------
        ValueError
            When there are more tokens than the context holds.
        """
        length = ids.shape[1]
        if length > self.context:
            raise ValueError(
                f"{length} tokens do not fit the context of {self.context}: give the last {self.context}"
            )
        positions = torch.arange(length, device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(positions)  # (B, T, d_model)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))  # (B, T, vocab)
        return logits

    @torch.no_grad()
    def generate(
        self, ids: Tensor, count: int, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return ids (batch, token) with `count` more drawn; temperature 0 takes the likeliest."""
        for _ in range(count):
            logits = self(ids[:, -self.context :])[:, -1]  # (B, vocab)
            if temperature == 0:
                drawn = logits.argmax(dim=-1, keepdim=True)
            else:
                chances = F.softmax(logits / temperature, dim=-1)
                drawn = torch.multinomial(chances, 1, generator=generator)
            ids = torch.cat([ids, drawn], dim=1)
        return ids


def _start(module: nn.Module) -> None:
    # Keeps the scale of what passes through at this width; GPT-2's 0.02 was not compared on the final data.
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)


def tokenizer() -> WordTokenizer:
    """Return the tokenizer of the shipped vocabulary."""
    return WordTokenizer.load(VOCABULARY)


def load(path: Path = WEIGHTS) -> GPT:
    """Return the trained model, in evaluation mode."""
    return restored(GPT(tokenizer().vocab_size), path)


def parts() -> dict[str, Any]:
    """Return the trained model, its tokenizer and texts to try.

    Returns
    -------
    dict
        `model`; `tokenizer`; `text`: the course's sentences, then stories the model has never seen; `prompts`
        that greedy decoding goes on from less well than beam search; `stop`: where a sentence ends;
        `checkpoints` and `history`, see `along`; `title`; `about`.
    """
    from .along import checkpoints, history  # it needs the model

    return {
        "model": load(),
        "tokenizer": tokenizer(),
        "text": [*COURSE, *(spell(story) for story in draw_stories(9, seed=SHOWN_SEED))],
        "prompts": list(PROMPTS),
        "stop": ["."],
        "checkpoints": checkpoints(),
        "history": history(),
        "title": "GPT: a small world in sentences",
        "about": "A decoder-only transformer writes stories of a small world, one word after the other.",
    }
