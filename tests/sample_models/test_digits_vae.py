"""The digit VAE keeps what a digit is, and invents digits that are digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sample_models.digits_vae as package
from sample_models.digits import digits
from sample_models.digits_autoencoder import parts as autoencoder_parts
from sample_models.digits_vae import parts
from sample_models.digits_vae.critic import Critic, mixtures
from sample_models.digits_vae.metrics import clear_share, evaluate, impostors, invent
from sample_models.digits_vae.model import DigitsVAE, load
from sample_models.digits_vae.train import train
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_samples_of_the_prior_are_clear_digits(metrics: dict[str, float]) -> None:
    assert metrics["clear_samples"] > 0.86
    # Every digit is invented, none hardly ever.
    assert min(metrics[f"share_{digit}"] for digit in range(10)) > 0.04
    assert sum(metrics[f"share_{digit}"] for digit in range(10)) == pytest.approx(1)
    assert metrics["agreement"] > 0.97


def test_the_judge_knows_digits_from_impostors(metrics: dict[str, float]) -> None:
    assert metrics["clear_real"] > 0.9
    assert metrics["clear_impostors"] < 0.05
    noise = np.random.default_rng(3).random((200, 1, 8, 8), dtype=np.float32)
    assert clear_share(noise) < 0.02


def test_an_untrained_model_invents_no_digits() -> None:
    torch.manual_seed(0)
    assert clear_share(invent(DigitsVAE().eval(), 200, seed=0)) < 0.02


def test_reconstruction_and_reading_hold(metrics: dict[str, float]) -> None:
    assert metrics["mse"] < 0.0175
    assert metrics["linear_accuracy"] > 0.94
    assert metrics["knn_accuracy"] > 0.93


def test_code_is_used_and_bounded(metrics: dict[str, float]) -> None:
    assert metrics["active_units"] >= 6
    assert 5 < metrics["kl"] < 14


def test_parts_show_the_digits_of_the_autoencoder_with_codes_of_its_size() -> None:
    vae, autoencoder = parts(), autoencoder_parts()
    assert np.array_equal(vae["data"], autoencoder["data"])
    assert np.array_equal(vae["labels"]["split"], autoencoder["labels"]["split"])
    images = torch.from_numpy(vae["data"][:4])
    with torch.no_grad():
        reconstruction, mean, log_variance = vae["model"](images)
        assert mean.shape == log_variance.shape == autoencoder["model"].encoder(images).shape
        assert torch.equal(reconstruction, vae["model"].decode(mean))


def test_codes_are_sampled_only_while_training() -> None:
    model = load()
    images = torch.from_numpy(digits().images[:4])
    with torch.no_grad():
        assert torch.equal(model(images)[0], model(images)[0])
        model.train()
        assert not torch.equal(model(images)[0], model(images)[0])


def test_impostors_have_the_ink_of_digits() -> None:
    images, digit = digits().part(held_out=True)
    wrong = impostors(images, digit, seed=0)
    assert wrong[: len(images)].sum(axis=(1, 2, 3)) == pytest.approx(images.sum(axis=(1, 2, 3)))
    assert wrong[len(images) :].mean() == pytest.approx(images.mean(), rel=0.05)


def test_mixtures_lie_between_two_digits() -> None:
    torch.manual_seed(0)
    images = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)]).repeat(50, 1, 1, 1)
    mixed = mixtures(images, torch.tensor([0, 1]).repeat(50))
    assert 20 < len(mixed) < 80, "images of one digit are not mixed"
    assert mixed.min() >= 0.25
    assert mixed.max() <= 0.75


def test_complaint_moves_images_and_not_the_critic() -> None:
    torch.manual_seed(0)
    critic = Critic()
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    critic.complaint(images).backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())


def test_misreading_is_small_for_real_digits_of_their_names_alone() -> None:
    torch.manual_seed(0)
    critic = Critic()
    images, digit = (torch.from_numpy(array[:96]) for array in digits().part(held_out=False))
    for _ in range(60):
        critic.learn(images, digit, torch.rand_like(images))
    critic.eval()
    right = critic.misreading(images, digit)
    assert right < critic.misreading(images, (digit + 1) % 10) - 1
    assert right < critic.misreading(torch.rand_like(images), digit) - 1


def test_critic_learns_to_tell_real_from_noise() -> None:
    torch.manual_seed(0)
    critic = Critic()
    images, digit = (torch.from_numpy(array[:96]) for array in digits().part(held_out=False))
    for _ in range(60):
        critic.learn(images, digit, torch.rand_like(images))
    critic.eval()
    with torch.no_grad():
        assert critic(images).logsumexp(1).mean() > critic(torch.rand_like(images)).logsumexp(1).mean() + 1
        assert (critic(images).argmax(1) == digit).float().mean() > 0.9


def test_settings_are_chosen_without_the_held_out_digits() -> None:
    everything, choosing = digits(), digits(choosing=True)
    known = {image.tobytes() for image in everything.part(held_out=False)[0]}
    assert {image.tobytes() for image in choosing.images} == known
    learnt, measured = (choosing.part(held_out=held_out)[1] for held_out in (False, True))
    assert len(learnt) + len(measured) == len(everything.part(held_out=False)[1])
    assert np.bincount(measured).min() > 20


def test_training_is_reproducible() -> None:
    first, second = (train(5, epochs=1) for _ in range(2))
    assert all(torch.equal(first.state_dict()[k], v) for k, v in second.state_dict().items())
    assert not first.training
