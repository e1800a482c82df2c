"""The portrait GAN: its contract, its losses and measures, and what its card claims."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from safetensors.torch import load_file
from torch import nn

import sample_models.faces_gan as package
from sample_models.faces import CATEGORIES, CONTINUOUS
from sample_models.faces_gan import train
from sample_models.faces_gan.metrics import evaluate, frechet_distance, neighbourhoods
from sample_models.faces_gan.model import CHECKPOINTS, Discriminator, Generator, checkpoints, load, parts
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return parts()


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_fakes_are_good_and_have_not_collapsed(metrics: dict[str, float]) -> None:
    assert metrics["precision"] > 0.9
    assert metrics["recall"] > 0.9
    assert metrics["coverage"] > 0.9
    # Two sets of real faces lie 0.37 apart, an untrained generator 124.
    assert metrics["frechet"] < 2.5
    for name in CATEGORIES:
        assert metrics[f"share_{name}"] > 0.5
    for name in CONTINUOUS:
        assert 0.7 < metrics[f"spread_{name}"] < 1.3


def test_the_discriminator_is_neither_blind_nor_certain(metrics: dict[str, float]) -> None:
    assert 0.5 < metrics["score_real"] < 0.95
    assert 0.05 < metrics["score_fake"] < 0.5
    assert metrics["auc"] > 0.6


def test_the_measures_see_a_generator_that_has_not_learnt(metrics: dict[str, float]) -> None:
    history = checkpoints()
    start = evaluate(history[0])
    assert start["precision"] < 0.1
    assert start["recall"] < 0.1
    assert start["coverage"] < 0.1
    assert start["share_hair_colour"] < 0.1
    assert start["frechet"] > 20 * metrics["frechet"]
    middle = evaluate(history[-5])
    assert metrics["frechet"] < middle["frechet"] < start["frechet"]


def test_parts_follow_the_contract(sample: dict[str, Any]) -> None:
    data = sample["data"]
    assert package.parts is parts
    assert data.shape == (1000, 3, 32, 32)
    assert data.dtype == np.float32
    assert set(sample["labels"]) == {*CONTINUOUS, *CATEGORIES}
    assert all(len(values) == len(data) for values in sample["labels"].values())
    assert sample["title"]
    assert sample["about"].endswith(".")
    for network in (sample["generator"], sample["discriminator"]):
        assert not network.training
        assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_networks_follow_the_contract(sample: dict[str, Any]) -> None:
    noise = torch.randn(7, sample["latent_size"], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        images = sample["generator"](noise)
        scores = sample["discriminator"](images)
        alone = sample["discriminator"](images[:1])
    assert images.shape == (7, 3, 32, 32)
    assert images.min() >= 0
    assert images.max() <= 1
    assert scores.shape == (7,)
    # A score belongs to its image, whatever else is in the batch.
    assert torch.allclose(alone, scores[:1], atol=1e-5)


def test_checkpoints_tell_the_story_of_the_training(sample: dict[str, Any]) -> None:
    history = sample["checkpoints"]
    steps = [checkpoint["step"] for checkpoint in history]
    assert len(history) >= 12
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    noise = torch.randn(16, sample["latent_size"], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pictures = [load(checkpoint)[0](noise) for checkpoint in history]
        assert torch.equal(pictures[-1], sample["generator"](noise))
    changes = [(a - b).abs().mean().item() for a, b in itertools.pairwise(pictures)]
    assert min(changes) > 0.003


def test_the_first_checkpoint_draws_noise(sample: dict[str, Any]) -> None:
    generator, _ = load(sample["checkpoints"][0])
    with torch.no_grad():
        images = generator(torch.randn(32, 32, generator=torch.Generator().manual_seed(0)))
    neighbours = torch.corrcoef(torch.stack([images[..., 1:].flatten(), images[..., :-1].flatten()]))[0, 1]
    assert images.std() > 0.1
    assert neighbours.abs() < 0.3
    real = torch.from_numpy(sample["data"][:32])
    assert torch.corrcoef(torch.stack([real[..., 1:].flatten(), real[..., :-1].flatten()]))[0, 1] > 0.8


def test_all_files_together_are_small() -> None:
    files = [path for path in CHECKPOINTS.parent.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 9_000_000
    listed = {checkpoint[key] for checkpoint in checkpoints() for key in ("generator", "discriminator")}
    assert listed == set(CHECKPOINTS.glob("*.safetensors"))


def test_parts_are_the_same_each_time_and_soon_there(sample: dict[str, Any]) -> None:
    started = time.process_time()
    again = parts()
    assert time.process_time() - started < 3
    assert np.array_equal(again["data"], sample["data"])


def test_discriminator_loss_is_cross_entropy() -> None:
    discriminator = Discriminator().eval()
    real, fake = torch.rand(2, 5, 3, 32, 32)
    loss = train.discriminator_loss(discriminator, real=real, fake=fake)
    entropy = nn.BCEWithLogitsLoss()
    expected = entropy(discriminator(real), torch.ones(5)) + entropy(discriminator(fake), torch.zeros(5))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradient_penalty_of_a_linear_score() -> None:
    """The gradient of a weighted sum is its weights: the penalty is known."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 1), nn.Flatten(0))
    penalty = train.gradient_penalty(network, torch.rand(4, 3, 32, 32))
    weight = next(network.parameters())
    assert penalty.item() == pytest.approx(0.5 * train.R1_GAMMA * weight.square().sum().item(), rel=1e-4)
    penalty.backward()
    assert torch.allclose(weight.grad, train.R1_GAMMA * weight, atol=1e-6)  # type: ignore[arg-type]


def test_training_repeats_and_leaves_both_networks_changed() -> None:
    first, second = (train.train(0, steps=3, faces=100) for _ in range(2))
    torch.manual_seed(0)
    fresh = train.Game(steps=3)
    for name in ("generator", "discriminator", "averaged"):
        state, again, start = (getattr(game, name).state_dict() for game in (first, second, fresh))
        assert all(torch.equal(value, again[key]) for key, value in state.items())
        assert all(not torch.equal(state[key], start[key]) for key in state if key.endswith("weight"))


def test_training_command_writes_checkpoints_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "FACES", 100)
    monkeypatch.setattr(train, "SHARES", (0.0, 0.5, 1.0))
    monkeypatch.setattr(train, "evaluate", lambda checkpoint: {"frechet": float(checkpoint["step"])})
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path), "--steps", "4"])
    train.main()
    assert [checkpoint["step"] for checkpoint in checkpoints(tmp_path)] == [0, 2, 4]
    assert "frechet" in capsys.readouterr().out
    assert load_file(checkpoints(tmp_path)[1]["generator"]).keys() == Generator().state_dict().keys()
    # A second training replaces the first one's files and leaves no mixture.
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path), "--steps", "2"])
    train.main()
    assert [checkpoint["step"] for checkpoint in checkpoints(tmp_path)] == [0, 1, 2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 6


def test_frechet_distance_matches_scipy() -> None:
    generator = np.random.default_rng(0)
    a = generator.normal(size=(300, 6)) @ generator.normal(size=(6, 6))
    b = generator.normal(size=(200, 6)) @ generator.normal(size=(6, 6)) + 0.5
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(sum(covariances) - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_neighbourhoods_match_the_definition() -> None:
    generator = np.random.default_rng(1)
    real, fake, k = generator.normal(size=(40, 3)), generator.normal(size=(30, 3)) + 0.7, 3

    def radius(points: np.ndarray, i: int) -> float:
        return float(sorted(np.linalg.norm(points - points[i], axis=1))[k])

    inside_real = [[np.linalg.norm(r - f) < radius(real, i) for f in fake] for i, r in enumerate(real)]
    inside_fake = [[np.linalg.norm(r - f) < radius(fake, j) for j, f in enumerate(fake)] for r in real]
    measured = neighbourhoods(real, fake, k=k)
    assert measured["precision"] == pytest.approx(np.any(inside_real, axis=0).mean())
    assert measured["recall"] == pytest.approx(np.any(inside_fake, axis=1).mean())
    assert measured["density"] == pytest.approx(np.sum(inside_real) / (k * 30))
    assert measured["coverage"] == pytest.approx(np.any(inside_real, axis=1).mean())


def test_neighbourhoods_see_collapse() -> None:
    real = np.random.default_rng(2).normal(size=(500, 4))
    collapsed = real[:1] + np.random.default_rng(3).normal(scale=0.01, size=(500, 4))
    measured = neighbourhoods(real, collapsed, k=5)
    assert measured["precision"] > 0.99
    assert measured["recall"] < 0.05
    assert measured["coverage"] < 0.2


def test_too_few_images_for_the_neighbours() -> None:
    message = "5 neighbours need more than 5 images of a kind: found 8 real and 5 fake"
    with pytest.raises(ValueError, match=message):
        neighbourhoods(np.zeros((8, 2)), np.zeros((5, 2)), k=5)
