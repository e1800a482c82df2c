"""With and without capture: outputs, gradients, buffers, random numbers, flags are the same bits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from genviz.capture import record
from tests.capture.models import HandWritten, hugging_face
from tests.capture.proofs import changes_nothing, tensors


class Convolutional(nn.Module):
    """Batch norm (buffers that move), dropout (random numbers), spectral norm (weights that move "
    "when read)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.spectral_norm(nn.Conv2d(1, 4, 3))
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(4 * 36, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.out(self.drop(self.act(self.norm(self.conv(x)))).flatten(1))
        return hidden


def transformer(**kwargs: Any) -> nn.Module:
    torch.manual_seed(0)
    return nn.Transformer(16, 4, 1, 1, 32, batch_first=True, **kwargs)


def encoder(**kwargs: Any) -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, **kwargs)
    return nn.TransformerEncoder(layer, 2)


IDS = torch.arange(12).reshape(2, 6) + 5
X = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
PICTURES = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
PADDED = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
CAUSAL = nn.Transformer.generate_square_subsequent_mask(6)

CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Any]]] = {
    "hand-written": (HandWritten, lambda m: m(IDS)),
    "gpt2": (lambda: hugging_face("gpt2"), lambda m: m(IDS)),
    "llama": (lambda: hugging_face("llama"), lambda m: m(input_ids=IDS)),
    "t5": (lambda: hugging_face("t5"), lambda m: m(input_ids=IDS, decoder_input_ids=IDS[:, :4])),
    "encoder": (encoder, lambda m: m(X)),
    "encoder, padded": (encoder, lambda m: m(X, src_key_padding_mask=PADDED)),
    "encoder, causal": (encoder, lambda m: m(X, mask=CAUSAL, is_causal=True)),
    "encoder, norm first": (lambda: encoder(norm_first=True), lambda m: m(X)),
    "transformer": (transformer, lambda m: m(X, X[:, :4])),
    "attention": (lambda: nn.MultiheadAttention(16, 4, batch_first=True), lambda m: m(X, X, X)),
    "attention, weights off": (
        lambda: nn.MultiheadAttention(16, 4), lambda m: m(X, X, X, need_weights=False)
    ),
    "convolutional": (Convolutional, lambda m: m(PICTURES)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mode", ["train", "eval", "no_grad", "inference"])
def test_a_run_is_the_same_bits(name: str, mode: str) -> None:
    build, run = CASES[name]
    torch.manual_seed(0)
    model = build().train(mode == "train")
    guard = {"no_grad": torch.no_grad, "inference": torch.inference_mode}.get(mode)

    def guarded(model: nn.Module) -> Any:
        if guard is None:
            return run(model)
        with guard():
            return run(model)

    recording = changes_nothing(model, guarded, record)
    assert len(recording)


@pytest.mark.parametrize("name", CASES)
def test_gradients_and_a_training_step_are_the_same_bits(name: str) -> None:
    build, run = CASES[name]
    torch.manual_seed(0)

    def step(model: nn.Module) -> list[torch.Tensor]:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss = sum(
                (t.float().square().mean() for t in tensors(run(model)) if t.requires_grad), torch.tensor(0.0)
            )
            loss.backward()
            optimizer.step()
        return [loss.detach()]

    changes_nothing(build().train(), step, record)


@pytest.mark.parametrize("name", ["hand-written", "gpt2", "encoder", "attention"])
def test_under_autocast(name: str) -> None:
    build, run = CASES[name]

    def half(model: nn.Module) -> Any:
        with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
            return run(model)

    torch.manual_seed(0)
    recording = changes_nothing(build().eval(), half, record)
    for entry in recording.entries():
        assert entry.load().dtype.name == entry.dtype  # bfloat16 has no numpy dtype: kept in float32


def test_in_bfloat16_the_values_are_kept_exactly() -> None:
    model = hugging_face("llama").to(torch.bfloat16)
    with torch.no_grad(), record(model) as recording:
        model(input_ids=IDS)
    kept = recording.entry("layers.1", "hidden").load()
    assert kept.dtype == "float32"
    assert (torch.from_numpy(kept).bfloat16().float().numpy() == kept).all()


def test_an_operation_in_place_does_not_reach_the_recording() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.first(x)
            self.made = hidden.detach().clone()
            hidden.relu_().mul_(0)
            out: torch.Tensor = self.second(hidden)
            return out

    model = InPlace()
    with torch.no_grad(), record(model, sites={"first": "activation"}) as recording:
        model(torch.randn(2, 3))
    torch.testing.assert_close(torch.from_numpy(recording.entry("first", "activation").load()), model.made)


def test_checkpointing_recomputes_without_a_second_record() -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = HandWritten()

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            x = self.inner.tok(ids)
            for block in self.inner.blocks:
                x = torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)
            out: torch.Tensor = self.inner.head(x)
            return out

    recording = changes_nothing(Checkpointed(), lambda m: _backward(m(IDS)), record)
    assert [e.call for e in recording.entries("inner.blocks.0", "hidden")] == [0]


def _backward(out: torch.Tensor) -> torch.Tensor:
    out.square().mean().backward()
    return out.detach()


def test_other_functions_still_find_what_they_call() -> None:
    with record(HandWritten()):
        assert functional.softmax(torch.zeros(2), dim=0).tolist() == [0.5, 0.5]
        assert torch.zeros(2).softmax(0).tolist() == [0.5, 0.5]
        assert torch.softmax(torch.zeros(2), dim=0).tolist() == [0.5, 0.5]
