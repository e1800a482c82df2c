"""What each head adds: by hand in torch, and against the model's own attention."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from genviz import LanguageModel
from genviz.live.head_outputs import Projected, projected_heads
from tests.live.small_models import IDS, VOCAB, Identity, given_to, live_of, model_of

KINDS = ("gpt", "positions first", "translator", "t5", "gpt2", "llama", "gemma2", "bert", "albert",
         "gpt_neox", "granite")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_heads_and_the_bias_make_what_attention_gives(kind: str) -> None:
    ids, target = given_to(kind)
    found = live_of(kind).head_outputs(ids, target_text=target)["sites"]
    assert found
    for runs in found.values():
        for run in runs:
            assert run["error"] < 1e-5
            assert (run["value_norms"] > 0).all()


def test_by_hand() -> None:
    model = model_of("gpt")
    found = live_of("gpt").head_outputs(IDS)["sites"]
    ids = torch.tensor([IDS])
    with torch.no_grad():
        x = model.token_embedding(ids) + model.position_embedding(torch.arange(len(IDS)))
        for block, (site, runs) in zip(model.blocks, found.items(), strict=True):
            attention, read = block.attention, block.norm1(x)
            q, k, v = (
                part.view(len(IDS), attention.n_heads, -1).transpose(0, 1)
                for part in attention.qkv(read)[0].chunk(3, -1)
            )
            scores = q @ k.mT / q.shape[-1] ** 0.5
            scores = scores.masked_fill(torch.ones(len(IDS), len(IDS)).triu(1).bool(), -torch.inf)
            slices = attention.project.weight.T.view(attention.n_heads, -1, x.shape[-1])
            each = scores.softmax(-1) @ v @ slices
            np.testing.assert_allclose(runs[0]["value_norms"], (v @ slices).norm(dim=-1), atol=1e-5)
            np.testing.assert_allclose(runs[0]["output_norms"], each.norm(dim=-1), atol=1e-5)
            assert runs[0]["projection"].startswith(site)
            x = block(x)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "positions first", "t5"])
def test_weights_times_projected_values_are_what_a_head_adds(kind: str) -> None:
    """The map's vectors sum over the keys to the head's own output."""
    ids, target = given_to(kind)
    live = live_of(kind)
    target = live._target(live.source.encode(ids), target).ids if live.two_sided else None
    for reader, call, projected in projected_heads(live, ids, target):
        assert isinstance(projected, Projected)
        for head in range(reader.heads):
            weights = torch.from_numpy(reader.weights(call, head))
            torch.testing.assert_close(
                weights @ projected.values[head], projected.outputs[head], atol=1e-5, rtol=1e-4
            )


class Gated(nn.Module):
    """Attention whose heads are normalised before the out-projection."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.qkv = nn.Embedding(VOCAB, 16), nn.Linear(16, 48)
        self.norm, self.out = nn.LayerNorm(16), nn.Linear(16, VOCAB)

    def forward(self, ids: torch.Tensor) -> Any:
        q, k, v = (
            part.unflatten(-1, (2, 8)).transpose(1, 2) for part in self.qkv(self.embedding(ids)).chunk(3, -1)
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(self.norm(mixed.transpose(1, 2).flatten(2)))


def test_where_something_stands_between_it_is_said() -> None:
    torch.manual_seed(1)
    live = LanguageModel(Gated().eval(), Identity(), text="1 2 3 4")
    (runs,) = live.head_outputs([1, 2, 3, 4])["sites"].values()
    assert "no linear module is given what the heads of" in runs[0]["reason"]
    assert "value_norms" not in runs[0]


def test_of_bart() -> None:
    torch.manual_seed(0)
    config = transformers.BartConfig(
        vocab_size=VOCAB, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, decoder_start_token_id=1,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, max_position_embeddings=32,
    )  # fmt: skip
    live = LanguageModel(transformers.BartForConditionalGeneration(config).eval(), text="5 6 7")
    found = live.head_outputs([5, 6, 7], target_text=[8, 9])["sites"]
    assert [runs[0]["projection"].rpartition(".")[2] for runs in found.values()] == ["out_proj"] * 3
    assert max(runs[0]["error"] for runs in found.values()) < 1e-5
