"""Transformer encoder that predicts masked words (Devlin et al. 2019, "BERT")."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sample_models.microworld import COURSE, WordTokenizer, draw_stories, spell
from sample_models.microworld.tokenizer import SPECIAL
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")
VOCABULARY = Path(__file__).with_name("vocabulary.json")
CONTEXT = 64
MASK = "<mask>"
# Stories on show: none of them was trained on, and the metrics use yet other ones.
SHOWN_SEED = 90_051


class MaskingTokenizer(WordTokenizer):
    """Words, and a mask that stands for a word that is hidden."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(words)
        (self.mask_id,) = self.encode(MASK)

    @classmethod
    def of(cls, words: Iterable[str]) -> MaskingTokenizer:
        """Make a tokenizer for these words, with the special tokens and the mask before them."""
        return cls([*SPECIAL, MASK, *sorted(set(words) - {MASK})])

    @property
    def first_word(self) -> int:
        """The lowest id of a word or mark."""
        return self.mask_id + 1


class Attention(nn.Module):
    """Multi-head self-attention in which every token sees every other."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.project = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """Return (batch, token, d_model); `seen` (batch, 1, 1, token) is False where nothing stands."""
        batch, length, width = x.shape
        heads = (batch, length, self.n_heads, width // self.n_heads)
        q, k, v = (
            part.view(heads).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1)
        )  # (B, nh, T, hs)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)  # (B, nh, T, hs)
        projected: Tensor = self.project(mixed.transpose(1, 2).reshape(batch, length, width))
        return projected


class Block(nn.Module):
    """Attention, then feed-forward, each normalised before and added to the residual stream."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.attention = Attention(d_model, n_heads)
        self.norm2 = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(),
            nn.Linear(4 * d_model, d_model),
        )

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """Return (batch, token, d_model) for x of that shape."""
        x = x + self.attention(self.norm1(x), seen)
        fed: Tensor = self.feed_forward(self.norm2(x))
        return x + fed


class MaskedEncoder(nn.Module):
    """Tell, for each token, which word stands there, from what is on both sides of it.

    Parameters
    ----------
    vocab_size : int
        Size of the vocabulary.
    d_model, n_heads, n_layers : int, optional
        Width of the residual stream, heads per layer, blocks.
    context : int, optional
        Longest sequence of tokens.
    pad_id : int, optional
        This token is not looked at.

    Examples
    --------
    >>> MaskedEncoder(vocab_size=50)(torch.ones(2, 7, dtype=torch.long)).shape
    torch.Size([2, 7, 50])
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        d_model: int = 96,
        n_heads: int = 4,
        n_layers: int = 3,
        context: int = CONTEXT,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        self.context, self.pad_id = context, pad_id
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.position_embedding = nn.Embedding(context, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        for table in (self.token_embedding, self.position_embedding):
            nn.init.normal_(table.weight, std=0.02)

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
                f"{length} tokens do not fit the context of {self.context}: give at most {self.context}"
            )
        there = ids != self.pad_id
        seen = None if bool(there.all()) else there[:, None, None, :]
        x = self.token_embedding(ids) + self.position_embedding(torch.arange(length, device=ids.device))
        for block in self.blocks:
            x = block(x, seen)
        logits: Tensor = self.head(self.norm(x))  # (B, T, vocab)
        return logits


def tokenizer() -> MaskingTokenizer:
    """Return the tokenizer of the shipped vocabulary."""
    found = MaskingTokenizer.load(VOCABULARY)
    assert isinstance(found, MaskingTokenizer)
    return found


def load(path: Path = WEIGHTS) -> MaskedEncoder:
    """Return the trained encoder, in evaluation mode."""
    return restored(MaskedEncoder(tokenizer().vocab_size), path)


def parts() -> dict[str, Any]:
    """Return the trained encoder, its tokenizer and texts to try.

    Returns
    -------
    dict
        `model`; `tokenizer`; `text`: the course's sentences, then stories the model has never seen; `title`;
        `about`.
    """
    stories = (story for story in draw_stories(40, seed=SHOWN_SEED) if len(story) <= CONTEXT)
    return {
        "model": load(),
        "tokenizer": tokenizer(),
        "text": [*COURSE, *(spell(story) for story in list(stories)[:9])],
        "title": "Encoder: fills in masked words",
        "about": "A transformer encoder tells a hidden word from the words on both sides of it.",
    }
