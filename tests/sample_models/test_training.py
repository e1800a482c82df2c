"""What the samples' training shares: the loop, the pace, the command line, and a variational code."""

from __future__ import annotations

import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from sample_models.training import cosine, descend, options, tell
from sample_models.variational import divergence, drawn
from sample_models.weights import restored


def test_the_pace_rises_in_a_line_and_falls_along_a_cosine() -> None:
    pace = [cosine(step, steps=1_000, warm_up=10, floor=0.02) for step in range(1_001)]
    assert pace[0] == pytest.approx(0.1, abs=1e-3)
    assert max(pace) == pytest.approx(1, abs=1e-3)
    assert pace[500] == pytest.approx(0.51)
    assert pace[1_000] == pytest.approx(0.02)
    assert all(a >= b for a, b in pairwise(pace[10:]))


def test_descending_is_the_usual_loop() -> None:
    """Written out as in PyTorch's tutorials, with the same numbers to the last bit."""
    torch.manual_seed(0)
    ours, theirs = nn.Linear(3, 1), nn.Linear(3, 1)
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(8, 3), 100 * torch.randn(8, 1)  # gradients long enough to be cut
    pace = partial(cosine, steps=5, warm_up=2, floor=0.1)

    def loss_at(_: int) -> Tensor:
        return nn.functional.mse_loss(ours(x), y)

    descend(
        ours, loss_at, optimiser=torch.optim.Adam(ours.parameters(), lr=0.1), pace=pace, steps=5,
        longest=1.0, name="line",
    )  # fmt: skip
    optimiser = torch.optim.Adam(theirs.parameters(), lr=0.1)
    for step in range(5):
        optimiser.param_groups[0]["lr"] = 0.1 * pace(step)
        optimiser.zero_grad()
        nn.functional.mse_loss(theirs(x), y).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimiser.step()
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)


def test_the_command_line_of_a_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--seed", "3", "--out", str(tmp_path / "new")])
    asked = options("Train.", out=Path("unused"), steps=70)
    assert (asked.seed, asked.steps, asked.out) == (3, 70, tmp_path / "new")
    assert asked.out.is_dir()
    asked = options("Train.", out=tmp_path, flags={"choosing": "for settings"})
    assert asked.choosing is False
    assert not hasattr(asked, "steps")


def test_metrics_are_told_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell({"mse": 0.12345, "kl": 8.0})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["mse", "0.1235"],
        ["kl", "8.0000"],
    ]


def test_divergence_matches_torch() -> None:
    torch.manual_seed(1)
    mean, log_variance = torch.randn(6, 3), torch.randn(6, 3)
    reference = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).mean(dim=0)
    assert torch.allclose(divergence(mean, log_variance), reference, atol=1e-5)


def test_a_code_is_drawn_from_its_distribution_and_lets_gradients_through() -> None:
    torch.manual_seed(2)
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.0, 2.0])
    rows = (mean.expand(40_000, 2), log_variance.expand(40_000, 2))
    codes = drawn(*rows)
    assert torch.allclose(codes.mean(dim=0), mean, atol=0.05)
    assert torch.allclose(codes.std(dim=0), (0.5 * log_variance).exp(), atol=0.05)
    leaves = [each.clone().requires_grad_(True) for each in (mean, log_variance)]
    drawn(*leaves).sum().backward()
    assert leaves[0].grad is not None
    assert leaves[1].grad is not None
    assert torch.equal(leaves[0].grad, torch.ones(2))
    assert leaves[1].grad.abs().min() > 0


def test_weights_are_restored_in_the_networks_own_numbers(tmp_path: Path) -> None:
    saved, fresh = nn.Linear(2, 2), nn.Linear(2, 2)
    save_file({name: value.half() for name, value in saved.state_dict().items()}, tmp_path / "w.safetensors")
    found = restored(fresh, tmp_path / "w.safetensors")
    assert found is fresh
    assert not found.training
    assert found.weight.dtype == torch.float32
    assert torch.equal(found.weight, saved.weight.half().float())
