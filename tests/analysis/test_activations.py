"""Activation functions against PyTorch's own, and telling them apart by their numbers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from genviz.analysis.activations import FUNCTIONS, identify

TORCH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "ReLU": functional.relu,
    "GELU": functional.gelu,
    "GELU (tanh)": lambda x: functional.gelu(x, approximate="tanh"),
    "quick GELU": lambda x: x * torch.sigmoid(1.702 * x),
    "SiLU": functional.silu,
    "squared ReLU": lambda x: functional.relu(x).square(),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "Mish": functional.mish,
    "ELU": functional.elu,
    "leaky ReLU (0.01)": functional.leaky_relu,
    "softplus": functional.softplus,
    "none": lambda x: x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_is_what_pytorch_computes_and_is_told_by_it(name: str) -> None:
    x = torch.randn(400, generator=torch.Generator().manual_seed(0)) * 2
    y = TORCH[name](x)
    np.testing.assert_allclose(FUNCTIONS[name](x.double().numpy()), y, atol=2e-6)
    found = identify(x.numpy(), y.numpy())
    assert (found.name, found.gated) == (name, False)
    factor = torch.randn(400, generator=torch.Generator().manual_seed(1))
    gated = identify(x.numpy(), (y * factor).numpy(), times=factor.numpy())
    assert (gated.name, gated.gated) == (name, True)


def test_what_is_none_of_them_has_no_name() -> None:
    x = np.linspace(-3, 3, 50)
    assert identify(x, np.sin(5 * x)).name == ""
    assert identify(np.array([np.nan]), np.array([1.0])).name == ""
    assert identify(np.array([np.nan, 2.0, -2.0]), np.array([0.0, 2.0, 0.0])).name == "ReLU"
