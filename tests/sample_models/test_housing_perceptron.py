"""The housing perceptron starts out wrong, and ends up near what can be known at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LinearRegression

import sample_models.housing_perceptron as package
from sample_models.housing_perceptron import parts
from sample_models.housing_perceptron.data import (
    NOISE,
    draw,
    held_out_houses,
    scalings,
    train_houses,
    true_price,
)
from sample_models.housing_perceptron.metrics import evaluate, importance, r2
from sample_models.housing_perceptron.model import WEIGHTS, HousingPerceptron, load, load_checkpoint, mistaken
from sample_models.housing_perceptron.train import SAVED_EPOCHS, save, train
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_price_is_known_almost_to_the_noise(metrics: dict[str, float]) -> None:
    assert metrics["r2"] > metrics["r2_ceiling"] - 0.005
    assert metrics["rmse"] < 1.15 * NOISE


def test_bedrooms_dominate_at_the_start_and_size_does_nothing(metrics: dict[str, float]) -> None:
    assert metrics["initial_importance_bedrooms"] > 0.5
    assert abs(metrics["initial_importance_size"]) < 0.02


def test_size_dominates_in_the_end_and_bedrooms_hardly_matter(metrics: dict[str, float]) -> None:
    assert metrics["importance_size"] > 1.0
    assert metrics["importance_bedrooms"] < 0.03
    rest = [value for name, value in metrics.items() if name.startswith("importance_")]
    assert metrics["importance_size"] == max(rest)


def test_the_weights_tell_the_same_story_as_the_importances() -> None:
    before, after = (
        next(iter(model.parameters())).detach().abs().mean(dim=0) for model in (load_checkpoint(0), load())
    )
    assert before[1] > 5 * before[0], "at the start bedrooms have the large weights"
    assert after[0] > 5 * after[1], "after training size has them"


def test_a_straight_line_is_not_enough(metrics: dict[str, float]) -> None:
    train_set, held_out = train_houses(), held_out_houses()
    line = LinearRegression().fit(train_set.features, train_set.price)
    assert metrics["r2"] > line.score(held_out.features, held_out.price) + 0.02


def test_parts_describe_the_held_out_houses_in_their_units() -> None:
    given = parts()
    assert given["data"].shape == (400, 5)
    assert given["target"].shape == (400, 1)
    assert given["data"].dtype == given["target"].dtype == np.float32
    houses = held_out_houses()
    assert np.allclose(
        given["data"] * given["feature_scale"] + given["feature_mean"], houses.features, atol=1e-2
    )
    assert np.allclose(
        given["target"] * given["target_scale"] + given["target_mean"], houses.price, atol=1e-2
    )
    assert len(given["feature_names"]) == 5
    assert not given["model"].training
    assert not given["initial"].training
    assert "4·size" in given["truth"]


def test_held_out_houses_are_not_training_houses() -> None:
    assert not set(train_houses().features[:, 2]) & set(held_out_houses().features[:, 2])


def test_noise_is_what_the_formula_says() -> None:
    houses = draw(20_000, seed=5)
    rest = houses.price - true_price(houses.features)
    assert rest.std() == pytest.approx(NOISE, rel=0.02)
    assert abs(rest.mean()) < 1


def test_formula_by_hand() -> None:
    price = true_price(np.array([[100.0, 3, 10, 25, 50]]))
    assert price[0, 0] == pytest.approx(60 + 400 / np.e + 6 - 10 + 4)


def test_checkpoints_run_from_the_start_to_the_shipped_weights() -> None:
    listed = parts()["checkpoints"]
    assert tuple(checkpoint["step"] for checkpoint in listed) == SAVED_EPOCHS
    last = listed[-1]
    saved = load_file(last["weights"])
    for name, value in load().state_dict().items():
        assert torch.equal(saved[last["prefix"] + name], value)


def test_bedrooms_give_way_to_size_along_the_checkpoints() -> None:
    houses = held_out_houses()
    features, price = scalings()
    data = features.standardise(houses.features)
    models = [load_checkpoint(epoch) for epoch in SAVED_EPOCHS]
    size, bedrooms = np.array([importance(m, data, houses.price, price=price)[:2] for m in models]).T
    over = int(np.argmax(size > bedrooms))
    assert over >= 2, "the turn must be seen, not over before the second picture"
    assert (size[over:] > bedrooms[over:]).all()


def test_unknown_checkpoint_says_which_there_are() -> None:
    with pytest.raises(
        KeyError, match=r"no checkpoint at epoch 999: checkpoints.safetensors has 0, 1, .*300; choose"
    ):
        load_checkpoint(999)


@pytest.mark.parametrize("seed", range(6))
def test_any_seed_starts_out_mistaken(seed: int) -> None:
    houses = held_out_houses()
    features, price = scalings()
    drops = importance(mistaken(seed), features.standardise(houses.features), houses.price, price=price)
    assert drops[1] > 0.3
    assert drops[1] > 3 * abs(drops[[0, 2, 3, 4]]).max()


def test_training_is_reproducible_and_saves_what_it_kept(tmp_path: Path) -> None:
    first, second = (train(3, saved=(0, 2)) for _ in range(2))
    for mine, other in zip(first[2].state_dict().values(), second[2].state_dict().values(), strict=True):
        assert torch.equal(mine, other)
    save(first, tmp_path)
    again = load(tmp_path / WEIGHTS.name)
    assert torch.equal(again.linears()[0].weight, first[2].linears()[0].weight)
    start = load_checkpoint(0, tmp_path / "checkpoints.safetensors")
    assert torch.equal(start.linears()[0].weight, first[0].linears()[0].weight)
    assert not torch.equal(start.linears()[0].weight, again.linears()[0].weight)


@pytest.mark.slow
def test_another_seed_gets_there_too() -> None:
    kept = train(1)
    found = evaluate(kept[SAVED_EPOCHS[-1]], kept[0])
    assert found["r2"] > found["r2_ceiling"] - 0.005
    assert found["importance_bedrooms"] < 0.03


def test_r2_of_the_mean_is_zero() -> None:
    target = np.arange(10.0)[:, None]
    assert r2(target, np.full_like(target, 4.5)) == 0
    assert r2(target, target) == 1


def test_importance_of_a_feature_the_model_ignores_is_zero() -> None:
    model = HousingPerceptron()
    with torch.no_grad():
        model.linears()[0].weight[:, 4] = 0
    houses = held_out_houses()
    features, price = scalings()
    assert importance(model, features.standardise(houses.features), houses.price, price=price)[4] == 0
