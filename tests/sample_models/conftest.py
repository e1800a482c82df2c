"""Samples are trained and drawn from at random: no test changes what another one draws."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    with torch.random.fork_rng():
        yield
