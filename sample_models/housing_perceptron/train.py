"""Train the housing perceptron from scratch: `python -m sample_models.housing_perceptron.train`."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import trange

from sample_models.training import options, tell

from .data import scalings, train_houses
from .metrics import evaluate
from .model import CHECKPOINTS, WEIGHTS, HousingPerceptron, mistaken

# Dense at the start, where the weights turn over, and sparse where they only settle.
SAVED_EPOCHS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 40, 55, 75, 110, 160, 230, 300)
BATCH = 64
LEARNING_RATE = 5e-3
# L1 penalty on the first layer (Tibshirani 1996): without it the weights of bedrooms stay large and cancel
# further on, and the picture of the weights would say something else than the importances.
SPARSITY = 2e-3


def train(seed: int, *, saved: tuple[int, ...] = SAVED_EPOCHS) -> dict[int, HousingPerceptron]:
    """Return the perceptron after each epoch in `saved`; 0 is the start, the last is the trained one.

    Parameters
    ----------
    seed : int
        Fixes the starting weights and the order of the houses.
    saved : tuple of int, optional
        Ascending epochs to keep; training ends at the last.
    """
    model = mistaken(seed)
    houses = train_houses()
    features, price = scalings()
    data = torch.from_numpy(features.standardise(houses.features))
    target = torch.from_numpy(price.standardise(houses.price))
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    # Slow at first, so that the turn from bedrooms to size takes epochs and can be watched.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, saved[-1], pct_start=0.1)
    kept = {0: copy.deepcopy(model).eval()}
    progress = trange(1, saved[-1] + 1, desc="housing_perceptron", mininterval=1)
    for epoch in progress:
        loss = _epoch(model, optimiser, data=data, target=target)
        schedule.step()
        progress.set_postfix(mse=f"{loss:.4f}", refresh=False)
        if epoch in saved:
            kept[epoch] = copy.deepcopy(model).eval()
    return kept


def _epoch(
    model: HousingPerceptron, optimiser: torch.optim.Optimizer, *, data: Tensor, target: Tensor
) -> float:
    total = 0.0
    first = next(parameter for parameter in model.parameters() if parameter.ndim == 2)
    for batch in torch.randperm(len(data)).split(BATCH):
        loss = nn.functional.mse_loss(model(data[batch]), target[batch])
        optimiser.zero_grad(set_to_none=True)
        (loss + SPARSITY * first.abs().sum()).backward()
        optimiser.step()
        total += loss.item() * len(batch)
    return total / len(data)


def save(kept: dict[int, HousingPerceptron], folder: Path) -> None:
    """Write the last model as the weights, and all as the checkpoints, one prefix per epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(kept[max(kept)].state_dict(), folder / WEIGHTS.name)
    along = {
        f"epoch_{epoch:04d}.{name}": value
        for epoch, model in kept.items()
        for name, value in model.state_dict().items()
    }
    save_file(along, folder / CHECKPOINTS.name)


def main() -> None:
    """Train, save weights and checkpoints, and print the metrics of the card."""
    asked = options(__doc__, out=WEIGHTS.parent)
    kept = train(asked.seed)
    save(kept, asked.out)
    tell(evaluate(kept[max(kept)], kept[0]))


if __name__ == "__main__":
    main()
