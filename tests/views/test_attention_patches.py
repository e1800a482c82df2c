"""Attention on the picture: numbers of the model itself, on its own grid of patches."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from genviz import record
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views import Subject, attention_patches
from tests.views.subjects import patches

SIZES: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": 12, "patch_size": 4,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "extra"), [("ViT", 1), ("DeiT", 2)])
def test_of_hugging_face(kind: str, extra: int) -> None:
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES)
    model = getattr(transformers, f"{kind}Model")(config, add_pooling_layer=False).eval()
    pictures = torch.randn(1, 3, 12, 12)
    with torch.no_grad(), record(model) as recording:
        model(pictures)
    (entry,) = recording.entries(kind="sample")
    np.testing.assert_array_equal(entry.load(), pictures.numpy())
    model.set_attn_implementation("eager")
    with torch.no_grad():
        own = model(pictures, output_attentions=True).attentions
    site = recording.sites(kind="attention")[1]
    figure = attention_patches(recording, site=site, token=extra + 4)
    expected = own[1][0].mean(0)[extra + 4, extra:].reshape(3, 3)
    np.testing.assert_allclose(figure.data[1].z, expected, atol=1e-6)
    assert [(shape.x0, shape.y0) for shape in figure.layout.shapes] == [(0.5, 0.5)] * 2
    assert not attention_patches(recording, site=site).layout.shapes


class Layer(nn.Module):
    """A layer as timm has it: one projection for queries, keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.qkv, self.proj = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.norm2 = nn.LayerNorm(16)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.qkv(self.norm1(x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (2, 8)).transpose(1, 2) for part in parts)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(mixed.transpose(1, 2).flatten(2))
        out: torch.Tensor = x + self.mlp(self.norm2(x))
        return out


class Plain(nn.Module):
    """Patches of a picture that is not square, a class token and four registers."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 16, 4, 4)
        self.first = nn.Parameter(torch.randn(1, 5, 16))
        self.blocks = nn.ModuleList([Layer(), Layer()])

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = torch.cat([self.first, self.patch_embed(pictures).flatten(2).transpose(1, 2)], dim=1)
        for block in self.blocks:
            x = block(x)
        return x


def test_of_a_hand_written_one_with_registers() -> None:
    torch.manual_seed(0)
    model = Plain().eval()
    with torch.no_grad(), record(model) as recording:
        model(torch.randn(1, 3, 8, 12))
    site = recording.sites(kind="attention")[0]
    figure = attention_patches(recording, site=site, heads="one", head=1)
    whole = np.asarray(recording.attention(site, head=1))
    np.testing.assert_allclose(figure.data[1].z, whole[0, 5:].reshape(2, 3), atol=1e-6)
    said = " ".join(str(each.text) for each in figure.layout.annotations)
    assert f"{whole[0, :5].sum():.1%} of the weight goes to 5 tokens before the patches" in said


def test_tokens_that_are_no_grid_are_said() -> None:
    whole = patches().recorded()
    wide = Recording(whole.entries(kind="attention"), whole.info)
    wide.add("", "sample", np.zeros((1, 3, 16, 16), np.float32), attrs={"grid": [4, 4]})
    with pytest.raises(NotCaptured, match="attends to 10 tokens, and the picture has 4 × 4 patches"):
        attention_patches(Subject("windows", recording=wide))
