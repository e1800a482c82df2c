"""Attention over pictures: a vision transformer as timm writes it, and a U-Net of Diffusers told by text."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from genviz.capture import record, verify
from genviz.recording import Recording
from tests.capture.proofs import changes_nothing, tables_unchanged

PICTURES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Attention(nn.Module):
    """One projection for queries, keys and values; the fused kernel, or the same by hand."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim, self.fused_attn = num_heads, dim // num_heads, True
        self.scale = self.head_dim**-0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.q_norm, self.k_norm = nn.LayerNorm(self.head_dim), nn.LayerNorm(self.head_dim)
        self.attn_drop = nn.Dropout(0.1)
        self.computed: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        samples, tokens, width = x.shape
        qkv = self.qkv(x).reshape(samples, tokens, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused_attn:
            x = functional.scaled_dot_product_attention(
                q, k, v, dropout_p=self.attn_drop.p if self.training else 0.0
            )
        else:
            weights = (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1)
            self.computed = weights.detach()
            x = self.attn_drop(weights) @ v
        out: Tensor = self.proj(x.transpose(1, 2).reshape(samples, tokens, width))
        return out


class LayerScale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(dim), Attention(dim, heads), LayerScale(dim)
        self.norm2, self.ls2 = nn.LayerNorm(dim), LayerScale(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        out: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return out


class VisionTransformer(nn.Module):
    """A class token and two registers before 16 patches."""

    def __init__(self, dim: int = 32, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patch_embed = nn.Conv2d(3, dim, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.reg_token = nn.Parameter(torch.randn(1, 2, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 16, dim) * 0.1)
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        before = [each.expand(len(x), -1, -1) for each in (self.cls_token, self.reg_token)]
        x = self.norm(self.blocks(torch.cat([*before, x], dim=1)))
        scores: Tensor = self.head(x[:, 0])
        return scores


def maps(recording: Recording, site: str) -> np.ndarray:
    return np.stack([recording.attention(site, sample=n).values for n in range(2)])


def test_a_vision_transformer_gives_the_weights_of_its_unfused_path() -> None:
    model = VisionTransformer().eval()
    with torch.no_grad():
        bare = model(PICTURES)
        with tables_unchanged(model), record(model, verify=True) as recording:
            seen = model(PICTURES)
        for block in model.blocks:
            block.attn.fused_attn = False  # type: ignore[union-attr]
        model(PICTURES)
    assert torch.equal(bare, seen)
    assert recording.info["provenance"]["family"] == "transformer"
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    for layer, block in enumerate(model.blocks):
        found = maps(recording, f"blocks.{layer}.attn")
        assert found.shape == (2, 4, 19, 19)
        np.testing.assert_allclose(found, block.attn.computed, atol=1e-6)  # type: ignore[union-attr, arg-type]
    assert max(verify(recording).values()) < 1e-6
    assert recording.sites(kind="hidden") == ("blocks.0", "blocks.1")


def test_capture_changes_nothing_in_its_training() -> None:
    def step(model: nn.Module) -> Tensor:
        loss: Tensor = functional.cross_entropy(model.train()(PICTURES), torch.tensor([1, 2]))
        loss.backward()
        return loss

    changes_nothing(VisionTransformer(), step, record)


# -- Diffusers -----------------------------------------------------------------------------------


def unet() -> Any:
    """A small U-Net that is told by text what to draw."""
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    model = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=24, attention_head_dim=4, norm_num_groups=8,
    )  # fmt: skip
    return model.eval()


def noise() -> dict[str, Any]:
    """What it is given: noise, how far along, and seven text vectors per picture, two of them padding."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(2, 7)
    mask[1, 5:] = 0
    return {
        "sample": torch.randn(2, 4, 8, 8, generator=generator),
        "timestep": torch.tensor([3, 9]),
        "encoder_hidden_states": torch.randn(2, 7, 24, generator=generator),
        "encoder_attention_mask": mask,
    }


class ByHand:
    """Diffusers' own processor of attention without the fused kernel, which keeps what it computes."""

    def __init__(self) -> None:
        from diffusers.models.attention_processor import AttnProcessor

        self.processor = AttnProcessor()
        self.weights: Tensor | None = None

    def __call__(self, attention: Any, *args: Any, **kwargs: Any) -> Tensor:
        scores = attention.get_attention_scores

        def kept(*given: Any) -> Tensor:
            weights: Tensor = scores(*given)
            self.weights = weights.detach().unflatten(0, (-1, attention.heads))
            return weights

        attention.get_attention_scores = kept
        try:
            out: Tensor = self.processor(attention, *args, **kwargs)
        finally:
            del attention.get_attention_scores
        return out


def test_cross_attention_of_a_diffusion_model() -> None:
    model, given = unet(), noise()
    assert {type(each).__name__ for each in model.attn_processors.values()} == {"AttnProcessor2_0"}
    with torch.no_grad():
        bare = model(**given).sample
        with tables_unchanged(model), record(model, verify=True) as recording:
            seen = model(**given).sample
        by_hand = {name: ByHand() for name in model.attn_processors}
        model.set_attn_processor(dict(by_hand))
        model(**given)
    assert torch.equal(bare, seen)
    expected = {name.removesuffix(".processor"): each.weights for name, each in by_hand.items()}
    assert set(recording.sites(kind="attention")) == set(expected)
    assert {site.rpartition(".")[2] for site in expected} == {"attn1", "attn2"}
    for site, weights in expected.items():
        assert weights is not None
        np.testing.assert_allclose(maps(recording, site), weights, atol=1e-5)
        if site.endswith("attn2"):
            assert weights.shape[-1] == 7
            assert not maps(recording, site)[1, ..., 5:].any()
    assert max(verify(recording).values()) < 1e-5
