"""The speed of matrix products: what comes back is measured, stays, and is in the model's own type."""

import time

import pytest
import torch
from torch import nn

from genviz.live import LanguageModel
from genviz.live.throughput import throughput


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_is_measured_where_and_as_the_model_is(dtype: torch.dtype) -> None:
    told = throughput(nn.Linear(2, 2, dtype=dtype))
    assert told["dtype"] == str(dtype).removeprefix("torch.")
    assert told["device"] == "cpu"
    assert told["threads"] == torch.get_num_threads()
    assert len(told["rates"]) >= 3
    assert all(1e6 < rate < 1e16 for rate in told["rates"])


def test_rates_are_operations_over_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genviz.live.throughput._seconds", lambda first, second: 1e-3)
    began = time.perf_counter()
    ticks = iter(range(10**6))
    monkeypatch.setattr("time.perf_counter", lambda: began + next(ticks) * 1e-2)
    told = throughput(nn.Linear(2, 2))
    assert told["rates"] == [2 * told["size"] ** 3 / 1e-3] * len(told["rates"])


def test_a_slow_machine_multiplies_small_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genviz.live.throughput._seconds", lambda first, second: 0.1)
    told = throughput(nn.Linear(2, 2))
    assert told["size"] == 256
    assert len(told["rates"]) >= 3


def test_it_is_measured_once_and_leaves_the_generator_alone() -> None:
    live = LanguageModel(nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)), text="1 2 3")
    state = torch.random.get_rng_state()
    assert live.throughput() == live.throughput()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert "throughput" in live.abilities
