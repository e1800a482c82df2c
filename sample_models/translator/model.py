"""Encoder–decoder transformer (Vaswani et al. 2017, "Attention is all you need")."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sample_models.microworld import WordTokenizer, draw_pairs
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")
SOURCE_VOCABULARY = Path(__file__).with_name("french.json")
TARGET_VOCABULARY = Path(__file__).with_name("english.json")
LONGEST = 32
# Sentences on show: each has a noun and an adjective that training never put together.
SHOWN_SEED = 90_021
#: First what the course shows, then its world in French.
COURSE_PAIRS = (
    ("le chat noir", "the black cat"),
    ("la petite maison", "the small house"),
    ("le chat est assis sur le tapis", "the cat sits on the mat"),
    ("le voleur va à la banque", "the robber goes to the bank"),
    ("le voleur va sur la rive de la rivière", "the robber goes to the bank of the river"),
    ("le voleur regarde un arbre", "the robber looks at a tree"),
)

#: Sentences that break off: greedy decoding stumbles over what it was never taught, beam search less so.
#: Of whole sentences greedy decoding finds the most probable translation nearly always.
PROMPTS = (
    "le jeune roi marche sur la",
    "le cheval tranquille mange dans",
    "un vieil éléphant aime la",
)


class Positions(nn.Module):
    """Add to each token's vector where it stands (section 3.5 there)."""

    positions: Tensor

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.register_buffer("positions", sinusoids(LONGEST, d_model), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, token, d_model) for token vectors of that shape."""
        return x + self.positions[: x.shape[1]]


class Embedding(nn.Module):
    """Token vectors plus their positions."""

    def __init__(self, vocab_size: int, d_model: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, d_model)
        self.positions = Positions(d_model)
        self.scale = math.sqrt(d_model)
        nn.init.normal_(self.tokens.weight, std=d_model**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        """Return (batch, token, d_model) for ids (batch, token).

        Raises
        ------
        ValueError
            When there are more tokens than there are positions.
        """
        if ids.shape[1] > LONGEST:
            raise ValueError(
                f"{ids.shape[1]} tokens, and the longest text has {LONGEST}: translate sentence by sentence"
            )
        embedded: Tensor = self.positions(self.tokens(ids) * self.scale)
        return embedded


class Translator(nn.Module):
    """Read a French sentence, write an English one.

    Parameters
    ----------
    source_vocab_size, target_vocab_size : int
        Sizes of the French and the English vocabulary.
    d_model, n_heads, n_layers : int, optional
        Width, heads per layer, layers on each side.
    pad_id : int, optional
        Id of what fills up the shorter sentences of a batch.

    Examples
    --------
    >>> model = Translator(40, 30)
    >>> model(torch.ones(2, 5, dtype=torch.long), torch.ones(2, 6, dtype=torch.long)).shape
    torch.Size([2, 6, 30])
    """

    def __init__(
        self,
        source_vocab_size: int,
        target_vocab_size: int,
        *,
        d_model: int = 96,
        n_heads: int = 4,
        n_layers: int = 2,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        self.pad_id = pad_id
        self.source_embedding = Embedding(source_vocab_size, d_model)
        self.target_embedding = Embedding(target_vocab_size, d_model)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d_model, n_heads, 4 * d_model, batch_first=True),
            n_layers,
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(d_model, n_heads, 4 * d_model, batch_first=True),
            n_layers,
        )
        self.head = nn.Linear(d_model, target_vocab_size)

    def forward(self, source_ids: Tensor, target_ids: Tensor) -> Tensor:
        """Return logits (batch, target token, vocab) of each next target token.

        Parameters
        ----------
        source_ids : Tensor
            (batch, source token), the French words.
        target_ids : Tensor
            (batch, target token), the English so far, from `<bos>` on.
        """
        padding = source_ids == self.pad_id  # (B, S)
        context = self.encoder(
            self.source_embedding(source_ids), src_key_padding_mask=padding
        )  # (B, S, d_model)
        length = target_ids.shape[1]
        future = torch.ones(length, length, dtype=torch.bool, device=target_ids.device).triu(1)  # (T, T)
        x = self.decoder(
            self.target_embedding(target_ids),
            context,
            tgt_mask=future,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )  # (B, T, d_model)
        logits: Tensor = self.head(x)  # (B, T, vocab)
        return logits


def sinusoids(length: int, d_model: int) -> Tensor:
    """Return positions (token, d_model): sines and cosines of falling frequency (section 3.5 there)."""
    place = torch.arange(length).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10_000.0) / d_model))
    return torch.stack([torch.sin(place * frequency), torch.cos(place * frequency)], dim=-1).flatten(1)


def tokenizers() -> tuple[WordTokenizer, WordTokenizer]:
    """Return the French and the English tokenizer of the shipped vocabularies."""
    return WordTokenizer.load(SOURCE_VOCABULARY), WordTokenizer.load(TARGET_VOCABULARY)


def pad(rows: list[list[int]], pad_id: int) -> Tensor:
    """Return ids (row, token), each row filled up to the longest."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])


@torch.no_grad()
def translate(
    model: Translator, sentences: list[str], source: WordTokenizer, target: WordTokenizer
) -> list[str]:
    """Return the English of French sentences, taking the likeliest word each time (greedy decoding)."""
    source_ids = pad([source.encode(sentence) for sentence in sentences], source.pad_id)
    written = torch.full((len(sentences), 1), target.bos_id)
    while written.shape[1] < LONGEST and not (written == target.eos_id).any(dim=1).all():
        best = model(source_ids, written)[:, -1].argmax(dim=-1, keepdim=True)
        written = torch.cat([written, best], dim=1)
    rows = [row[: row.index(target.eos_id)] if target.eos_id in row else row for row in written.tolist()]
    return [target.decode(row) for row in rows]


def load(path: Path = WEIGHTS) -> Translator:
    """Return the trained model, in evaluation mode."""
    source, target = tokenizers()
    model = Translator(source.vocab_size, target.vocab_size, pad_id=source.pad_id)
    return restored(model, path)


def parts() -> dict[str, Any]:
    """Return the trained model, its two tokenizers and sentences to try.

    Returns
    -------
    dict
        `model`; `tokenizer` (French); `target_tokenizer` (English); `text` and `target_text`: the course's
        sentences, then sentences with a noun and an adjective never seen together; `prompts`: sentences that
        greedy decoding answers less well than beam search; `title`; `about`.
    """
    source, target = tokenizers()
    shown = [(pair.french, pair.english) for pair in draw_pairs(10, seed=SHOWN_SEED, unseen=True)]
    french, english = zip(*chain(COURSE_PAIRS, shown), strict=True)
    return {
        "model": load(),
        "tokenizer": source,
        "target_tokenizer": target,
        "text": list(french),
        "target_text": list(english),
        "prompts": list(PROMPTS),
        "title": "Translator: French to English",
        "about": "An encoder reads a French sentence; a decoder writes it in English, word by word.",
    }
