"""The portrait VAE: its contract, its losses, and what its card claims."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import sample_models.faces_vae as package
from sample_models.faces import CATEGORIES, CONTINUOUS, sample_factors
from sample_models.faces.probe import Probe
from sample_models.faces_vae import train
from sample_models.faces_vae.metrics import evaluate
from sample_models.faces_vae.model import WEIGHTS, FacesVAE, load, parts
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return parts()


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_it_is_good_at_its_job(metrics: dict[str, float]) -> None:
    assert metrics["psnr"] > 32
    # As many latents as there are factors, or more.
    assert metrics["active_units"] >= len((*CONTINUOUS, *CATEGORIES))
    for name in CATEGORIES:
        assert metrics[f"read_{name}"] > 0.97
    for name in CONTINUOUS:
        assert metrics[f"curved_{name}"] > 0.65


def test_parts_follow_the_contract(sample: dict[str, Any]) -> None:
    model, data = sample["model"], sample["data"]
    assert package.parts is parts
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert data.shape == (960, 3, 32, 32)
    assert data.dtype == np.float32
    assert set(sample["labels"]) == {"person", *CONTINUOUS, *CATEGORIES}
    assert all(len(values) == len(data) for values in sample["labels"].values())
    assert sample["title"]
    assert sample["about"].endswith(".")


def test_model_follows_the_contract(sample: dict[str, Any]) -> None:
    model = sample["model"]
    x = torch.from_numpy(sample["data"][:5])
    with torch.no_grad():
        reconstruction, mean, log_variance = model(x)
        assert torch.equal(reconstruction, model.decode(mean))
        assert torch.equal(model.encode(x)[1], log_variance)
        again = model(x)[0]
    assert torch.equal(again, reconstruction)
    assert mean.shape == log_variance.shape == (5, 16)
    assert reconstruction.shape == x.shape
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1


def test_training_mode_samples_the_code(sample: dict[str, Any]) -> None:
    model = load().train()
    x = torch.from_numpy(sample["data"][:5])
    with torch.no_grad():
        first, second = model(x)[0], model(x)[0]
    assert not torch.equal(first, second)


def test_parts_are_the_same_each_time_and_soon_there(sample: dict[str, Any]) -> None:
    started = time.process_time()
    again = parts()
    assert time.process_time() - started < 3
    assert np.array_equal(again["data"], sample["data"])
    for name, value in sample["model"].state_dict().items():
        assert torch.equal(value, again["model"].state_dict()[name])


def test_the_weights_are_small_and_all_used() -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    assert load_file(WEIGHTS).keys() == FacesVAE().state_dict().keys()


def test_it_knows_what_it_has_seen_from_what_is_no_face(sample: dict[str, Any]) -> None:
    """A VAE that copied pixels would also rebuild shuffled ones."""
    faces = torch.from_numpy(sample["data"][:50])
    order = torch.randperm(1024, generator=torch.Generator().manual_seed(0))
    shuffled = faces.flatten(2)[:, :, order].reshape(faces.shape)
    with torch.no_grad():
        error, shuffled_error = (
            (sample["model"](x)[0] - x).square().mean().item() for x in (faces, shuffled)
        )
    assert shuffled_error > 20 * error


def test_divergence_matches_torch() -> None:
    model = FacesVAE().eval()
    x = torch.rand(6, 3, 32, 32)
    error, divergence = train.losses(model, x)
    reconstruction, mean, log_variance = model(x)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    assert divergence.item() == pytest.approx(expected.sum(dim=1).mean().item(), rel=1e-4)
    squares = (reconstruction - x).square()
    emphasised = squares.sum() + (train.EMPHASIS - 1) * squares[:, :, *train.FEATURES].sum()
    assert error.item() == pytest.approx(emphasised.item() / 6, rel=1e-5)


def test_training_learns_and_repeats() -> None:
    first, second = (train.train(0, steps=12, faces=200) for _ in range(2))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    other = train.train(1, steps=12, faces=200)
    name = "decoder.layers.0.weight"
    assert not torch.equal(first.state_dict()[name], other.state_dict()[name])
    torch.manual_seed(0)
    x = torch.from_numpy(parts()["data"][:100])
    with torch.no_grad():
        before = train.losses(FacesVAE().eval(), x)[0]
        after = train.losses(first, x)[0]
    assert after < 0.95 * before


def test_training_command_writes_weights_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "FACES", 100)
    monkeypatch.setattr(train, "evaluate", lambda model: {"psnr": 1.0})
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "new"), "--steps", "2", "--seed", "3"])
    before = WEIGHTS.stat().st_mtime_ns
    train.main()
    assert load_file(tmp_path / "new" / "weights.safetensors").keys() == FacesVAE().state_dict().keys()
    assert "psnr" in capsys.readouterr().out
    assert WEIGHTS.stat().st_mtime_ns == before


def test_probe_reads_what_is_there_and_nothing_else() -> None:
    factors = sample_factors(1_500, seed=0)
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(1_500, 4))
    codes = np.column_stack([factors["smile"], *(factors["hair_colour"] == k for k in range(5)), noise])
    fitted = Probe(codes[:1_000], {name: values[:1_000] for name, values in factors.items()})
    scores = fitted.scores(codes[1_000:], {name: values[1_000:] for name, values in factors.items()})
    assert scores["smile"] == pytest.approx(1)
    assert scores["hair_colour"] == 1
    assert scores["gaze"] < 0.05
    assert scores["hair_style"] < 0.35
    assert np.allclose(fitted.read(codes[:3], "smile"), factors["smile"][:3], atol=1e-4)


def test_probe_of_degree_two_follows_curves() -> None:
    factors = sample_factors(1_500, seed=0)
    codes = np.column_stack([factors["smile"] * factors["gaze"], factors["gaze"], factors["brow"] ** 2])
    codes = codes + 0.001 * np.random.default_rng(0).normal(size=codes.shape)
    factors["light"] = factors["brow"] ** 4
    first, second = (Probe(codes, factors, degree=degree).scores(codes, factors) for degree in (1, 2))
    assert first["light"] < 0.95
    assert second["light"] > 0.999
