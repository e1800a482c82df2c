"""The digit autoencoder, and what it shares with the digit VAE."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import sample_models.digits_autoencoder as package
from sample_models.digits import digits, jitter, reading, squared_error
from sample_models.digits_autoencoder import parts
from sample_models.digits_autoencoder.metrics import evaluate
from sample_models.digits_autoencoder.model import DigitsAutoencoder, load
from sample_models.digits_autoencoder.train import train
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_little_is_lost_and_far_less_than_by_principal_components(metrics: dict[str, float]) -> None:
    assert metrics["mse"] < 0.012
    assert metrics["mse"] < 0.55 * metrics["mse_pca"]


def test_something_is_lost(metrics: dict[str, float]) -> None:
    assert metrics["mse"] > 0.001


def test_digit_can_be_read_from_the_code(metrics: dict[str, float]) -> None:
    assert metrics["linear_accuracy"] > 0.93
    assert metrics["knn_accuracy"] > 0.95


def test_an_untrained_model_fails_what_the_trained_one_passes() -> None:
    torch.manual_seed(0)
    assert evaluate(DigitsAutoencoder().eval())["mse"] > 0.1


def test_parts_are_the_trained_model_and_all_digits() -> None:
    given = parts()
    assert given["data"].shape == (1797, 1, 8, 8)
    assert given["data"].dtype == np.float32
    assert given["data"].min() == 0
    assert given["data"].max() == 1
    assert {name: len(values) for name, values in given["labels"].items()} == {"digit": 1797, "split": 1797}
    model = given["model"]
    assert not model.training
    images = torch.from_numpy(given["data"][:5])
    with torch.no_grad():
        assert model.encoder(images).shape == (5, 8)
        assert torch.equal(model(images), model.decoder(model.encoder(images)))


def test_a_fifth_of_every_digit_is_held_out() -> None:
    data = digits()
    for value in range(10):
        assert data.held_out[data.digit == value].mean() == pytest.approx(0.2, abs=0.01)
    train_images, _ = data.part(held_out=False)
    held_out_images, held_out_digit = data.part(held_out=True)
    assert len(train_images) + len(held_out_images) == 1797
    assert (data.labels()["split"] == "held-out").sum() == len(held_out_digit)


def test_no_jitter_is_the_identity_and_jitter_is_small() -> None:
    images = torch.from_numpy(digits().images[:50])
    assert torch.allclose(jitter(images, amount=0), images, atol=1e-5)
    moved = jitter(images, amount=1)
    assert not torch.allclose(moved, images, atol=0.05)
    assert squared_error(moved, images) < squared_error(images.roll(1, dims=3), images)


def test_squared_error_by_hand() -> None:
    assert squared_error(torch.zeros(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.5)).item() == pytest.approx(16)


def test_reading_of_a_perfect_code_is_perfect_and_of_noise_is_chance() -> None:
    data = digits()
    assert reading(np.eye(10, dtype=np.float32)[data.digit], data)["linear_accuracy"] == 1
    noise = np.random.default_rng(0).normal(size=(1797, 8)).astype(np.float32)
    assert reading(noise, data)["knn_accuracy"] < 0.2


def test_training_is_reproducible_and_weights_read_back(tmp_path: Path) -> None:
    first, second = (train(5, epochs=2) for _ in range(2))
    assert all(torch.equal(first.state_dict()[k], v) for k, v in second.state_dict().items())
    assert not first.training
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    again = load(tmp_path / "weights.safetensors").state_dict()
    assert all(torch.equal(again[name], value) for name, value in first.state_dict().items())
