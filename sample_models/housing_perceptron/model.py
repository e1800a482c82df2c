"""A perceptron with two hidden layers that turns five facts about a house into its price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from .data import FEATURE_NAMES, TARGET_NAME, TRUTH, held_out_houses, scalings

WEIGHTS = Path(__file__).with_name("weights.safetensors")
CHECKPOINTS = Path(__file__).with_name("checkpoints.safetensors")
#: By how much the starting weights let bedrooms move the price, in standard deviations of the price.
BELIEF = 1.2
_SIZE, _BEDROOMS = 0, 1


class HousingPerceptron(nn.Module):
    """Five standardised features in, one standardised price out.

    Examples
    --------
    >>> HousingPerceptron()(torch.zeros(3, 5)).shape
    torch.Size([3, 1])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(5, 8),  # (n, 8)
            nn.Tanh(),
            nn.Linear(8, 4),  # (n, 4)
            nn.Tanh(),
            nn.Linear(4, 1),  # (n, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return prices (n, 1) of houses (n, 5), both standardised."""
        price: Tensor = self.layers(x)
        return price

    def linears(self) -> list[nn.Linear]:
        """Return the linear layers, from the input on."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]


def mistaken(seed: int) -> HousingPerceptron:
    """Return a perceptron whose starting weights say that bedrooms make the price and size does nothing.

    Weights start arbitrary; these are arbitrary too, but with the first layer's columns scaled: bedrooms up,
    size almost away, the rest down. The last layer is scaled so that a house with many bedrooms (one standard
    deviation above the mean) is held to cost `BELIEF` standard deviations more than one with few (one below),
    and the average house the average price.

    Parameters
    ----------
    seed : int
        Fixes the weights before they are scaled.
    """
    torch.manual_seed(seed)
    model = HousingPerceptron()
    columns = torch.full((5,), 0.15)
    columns[_SIZE], columns[_BEDROOMS] = 0.02, 3.0
    house = torch.zeros(2, 5)
    house[:, _BEDROOMS] = torch.tensor([-1.0, 1.0])
    first, last = model.linears()[0], model.linears()[-1]
    with torch.no_grad():
        first.weight.mul_(columns)
        few, many = model(house).flatten().tolist()
        last.weight.mul_(BELIEF / (many - few))
        last.bias.sub_(model(torch.zeros(1, 5))[0])
    return model


def load(path: Path = WEIGHTS) -> HousingPerceptron:
    """Return the trained perceptron, in evaluation mode."""
    model = HousingPerceptron()
    model.load_state_dict(load_file(path))
    return model.eval()


def checkpoints(path: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return what was saved along the training, in its order.

    Returns
    -------
    list of dict
        `step`: epochs of training so far (0: the starting weights); `weights`: the safetensors file;
        `prefix`: what precedes the names of this epoch's parameters in it, ``"epoch_0020."`` say.
    """
    with safe_open(path, framework="pt") as file:
        prefixes = sorted({key.split(".", 1)[0] for key in file.keys()})  # noqa: SIM118, not a dict
    return [
        {"step": int(prefix.removeprefix("epoch_")), "weights": str(path), "prefix": f"{prefix}."}
        for prefix in prefixes
    ]


def load_checkpoint(step: int, path: Path = CHECKPOINTS) -> HousingPerceptron:
    """Return the perceptron as it was after `step` epochs, in evaluation mode.

    Raises
    ------
    KeyError
        When nothing was saved at that epoch.
    """
    found = {checkpoint["step"]: checkpoint["prefix"] for checkpoint in checkpoints(path)}
    if step not in found:
        raise KeyError(
            f"no checkpoint at epoch {step}: {path.name} has {', '.join(map(str, found))}; choose one"
        )
    prefix = found[step]
    saved = {
        key.removeprefix(prefix): value for key, value in load_file(path).items() if key.startswith(prefix)
    }
    model = HousingPerceptron()
    model.load_state_dict(saved)
    return model.eval()


def parts() -> dict[str, Any]:
    """Return the perceptron before, along and after training, with houses it has never seen.

    Returns
    -------
    dict
        `model`, `initial`; `data` (400, 5) and `target` (400, 1), float32, standardised; `feature_names`,
        `target_name`; `feature_mean`, `feature_scale` (5,), float32, and `target_mean`, `target_scale`,
        in the names' units; `truth`, the formula; `checkpoints`, see `checkpoints`; `title`; `about`.
    """
    houses = held_out_houses()
    features, price = scalings()
    return {
        "model": load(),
        "initial": load_checkpoint(0),
        "data": features.standardise(houses.features),
        "target": price.standardise(houses.price),
        "feature_names": list(FEATURE_NAMES),
        "target_name": TARGET_NAME,
        "feature_mean": features.mean.astype("float32"),
        "feature_scale": features.scale.astype("float32"),
        "target_mean": float(price.mean[0]),
        "target_scale": float(price.scale[0]),
        "truth": TRUTH,
        "checkpoints": checkpoints(),
        "title": "House prices (perceptron)",
        "about": "A small perceptron first holds that bedrooms make the price, then learns that size does.",
    }
