"""Networks of linear layers as users write them, recorded in inference and in training."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import genviz

ROWS = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))


class Functional(nn.Module):
    """Activations as functions; the single output squeezed."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.second, self.out = nn.Linear(4, 6), nn.Linear(6, 3, bias=False), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.out(torch.tanh(self.second(F.gelu(self.hidden(x)))))).squeeze(-1)


class OneRelu(nn.Module):
    """One activation module for all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.relu = (
            nn.Linear(4, 5),
            nn.Linear(5, 5),
            nn.Linear(5, 2),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c(self.relu(self.b(self.relu(self.a(x)))))
        return out


def test_a_sequential_with_norm_and_dropout() -> None:
    model = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2), nn.Softmax(-1)
    )
    model.eval()
    with torch.no_grad(), genviz.record(model) as recording:
        out = model(ROWS)
    assert recording.info["provenance"]["family"] == "perceptron"
    assert recording.sites() == ("0", "4")
    with torch.no_grad():
        np.testing.assert_array_equal(recording["0", "weighted_sum"], model[0](ROWS))
        np.testing.assert_array_equal(recording["0", "activation"], model[:3](ROWS))
        np.testing.assert_array_equal(recording["4", "weighted_sum"], model[:5](ROWS))
    np.testing.assert_array_equal(recording["4", "activation"], out)
    assert recording["0", "weight"].dims == ("unit", "input")
    assert recording["0", "input"].dims == ("sample", "input")
    assert not recording.missing


def test_activations_that_are_functions() -> None:
    model = Functional().eval()
    with torch.no_grad(), genviz.record(model) as recording:
        out = model(ROWS)
        hidden = F.gelu(model.hidden(ROWS))
        second = torch.tanh(model.second(hidden))
    np.testing.assert_array_equal(recording.array("hidden", "activation", call=0), hidden)
    np.testing.assert_array_equal(recording.array("second", "activation"), second)
    np.testing.assert_array_equal(recording["out", "activation"].values[:, 0], out)
    weights, inputs = recording["second", "weight"].values, recording["second", "input"].values
    np.testing.assert_allclose(recording["second", "weighted_sum"], inputs @ weights.T, atol=1e-6)


def test_one_activation_module_for_all_layers_and_in_place() -> None:
    model = OneRelu().eval()
    with torch.no_grad(), genviz.record(model) as recording:
        model(ROWS)
        model(ROWS + 1)
    assert recording["a", "activation"].shape == (2, 12, 5)
    for call, rows in enumerate((ROWS, ROWS + 1)):
        with torch.no_grad():
            summed = model.a(rows)
        np.testing.assert_array_equal(recording.array("a", "weighted_sum", call=call), summed)
        np.testing.assert_array_equal(recording.array("a", "activation", call=call), summed.relu())
    assert len(recording.entries("a", "weight")) == 1  # nothing changed it between the calls


def test_training_gives_each_steps_weights_and_gradients() -> None:
    torch.manual_seed(0)
    model, twin = Functional(), Functional()
    twin.load_state_dict(model.state_dict())
    target = torch.rand(12)
    weights, gradients, losses = [], [], []
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.5)
    for _ in range(4):  # the same training without a recording
        optimiser.zero_grad()
        weights.append(twin.hidden.weight.detach().clone())
        loss = F.mse_loss(twin(ROWS), target)
        loss.backward()
        assert twin.hidden.weight.grad is not None
        gradients.append(twin.hidden.weight.grad.clone())
        losses.append(loss.item())
        optimiser.step()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
    with genviz.record(model) as recording:
        for step in range(4):
            optimiser.zero_grad()
            loss = F.mse_loss(model(ROWS), target)
            loss.backward()
            assert loss.item() == losses[step]
            optimiser.step()
            recording.flush(step=step)
    for step in range(4):
        np.testing.assert_array_equal(recording.array("hidden", "weight", step=step), weights[step])
        np.testing.assert_array_equal(
            recording.array("hidden", "weight_gradient", step=step), gradients[step]
        )
        summed = recording.array("hidden", "gradient", step=step).values
        rows = recording.array("hidden", "input", step=step).values
        np.testing.assert_allclose(summed.T @ rows, gradients[step], atol=1e-6)
    assert len(recording.entries("hidden", "weight_gradient")) == 4
    assert len(recording.entries("second", "weight_gradient")) == 4
    assert not recording.entries("second", "bias")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_parameters_keep_no_hook() -> None:
    model = Functional()
    with genviz.record(model):
        for _ in range(3):
            model(ROWS).sum().backward()
        model(ROWS)  # a run whose gradient never comes
    assert not any(parameter._backward_hooks for parameter in model.parameters())


def test_without_a_backward_pass_the_gradient_is_missing_with_its_reason() -> None:
    model = nn.Sequential(nn.Linear(4, 1))
    with genviz.record(model) as recording:
        model(ROWS)
    reasons = {item.kind: item.reason for item in recording.missing}
    assert reasons["weight_gradient"] == "no backward pass reached it inside the with block"


def test_a_convolution_is_no_perceptron() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 1))
    with torch.no_grad(), genviz.record(model) as recording:
        model(torch.randn(2, 1, 4, 4))
    assert recording.info["provenance"]["family"] != "perceptron"
    with torch.no_grad(), genviz.record(model, family="perceptron") as recording:
        model(torch.randn(2, 1, 4, 4))
    assert recording.sites() == ("2",)
