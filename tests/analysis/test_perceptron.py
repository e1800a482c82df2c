"""A unit spelt out adds up to what the layer computes."""

import numpy as np
import pytest
import torch

from genviz.analysis.perceptron import contributions, strongest_units, weighted_sum


def test_a_weighted_sum_is_what_torch_computes() -> None:
    layer = torch.nn.Linear(5, 3, dtype=torch.float64)
    inputs = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights, biases = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = layer(inputs).detach().numpy()
    for unit in range(3):
        found = weighted_sum(weights[unit], inputs.numpy(), float(biases[unit]))
        assert found.total == pytest.approx(expected[unit])
        assert found.parts.sum() + found.bias == pytest.approx(found.total)
    assert contributions(weights, inputs.numpy()).sum(axis=1) + biases == pytest.approx(expected)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) weights do not fit \(2,\) inputs"):
        weighted_sum(np.ones(3), np.ones(2))


def test_the_strongest_units_are_those_with_the_largest_weights_in_their_order() -> None:
    incoming = np.array([[0.1, 0.1], [3.0, 0.0], [0.0, 0.2], [1.0, 1.0]])
    assert strongest_units(incoming, None, 2).tolist() == [1, 3]
    assert strongest_units(incoming, np.array([[0.0, 0.0, 9.0, 0.0]]), 2).tolist() == [1, 2]
    assert strongest_units(None, incoming, 99).tolist() == [0, 1]
