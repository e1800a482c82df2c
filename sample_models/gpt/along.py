"""What is kept along the training: the model at some steps, and the loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sample_models.weights import load_small, save_small

from .model import GPT

HOME = Path(__file__).with_name("checkpoints")
# From noise to sentences: what happens early happens fast.
SHARES = (0.0, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 1.0)
EVERY = 50  # steps between two looks at stories that are not trained on
WINDOW = 20  # steps over which the loss of a training batch, which jumps, is averaged


class Along:
    """Looks at a model while it is trained; give it to `train` as `keep`.

    Parameters
    ----------
    folder : Path
        Where checkpoints go.
    steps : int
        Of the whole training.
    validate : callable
        Gets the model, returns its loss on held-out stories.
    """

    def __init__(self, folder: Path, *, steps: int, validate: Callable[[GPT], Tensor]) -> None:
        self._folder, self._steps, self._validate = folder, steps, validate
        self._kept = {round(share * steps) for share in SHARES}
        self._validation: list[tuple[int, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("*.safetensors"), *folder.glob("loss.json")):
            old.unlink()

    def __call__(self, step: int, model: GPT) -> None:
        """Keep the model at some steps, and look at its loss at others; changes nothing in the training."""
        if step in self._kept:
            save_small(model.state_dict(), self._folder / f"{step:05d}.safetensors")
        if step % EVERY == 0 or step in self._kept:
            with torch.no_grad():
                self._validation.append((step, float(self._validate(model))))

    def save(self, losses: list[float]) -> None:
        """Write the loss along the training, given that of each step's batch."""
        starts = range(0, len(losses), WINDOW)
        windows = [losses[start : start + WINDOW] for start in starts]
        curve = {
            "train": {
                "steps": [
                    start + (len(window) + 1) / 2 for start, window in zip(starts, windows, strict=True)
                ],
                "loss": [round(sum(window) / len(window), 4) for window in windows],
            },
            "validation": {
                "steps": [step for step, _ in self._validation],
                "loss": [round(loss, 4) for _, loss in self._validation],
            },
        }
        (self._folder / "loss.json").write_text(json.dumps(curve) + "\n", encoding="utf-8")


def checkpoints(folder: Path = HOME) -> list[dict[str, Any]]:
    """Return `step` and `weights`, a function that returns the state dict, of each checkpoint, in order."""
    files = sorted(folder.glob("*.safetensors"))
    return [{"step": int(path.stem), "weights": partial(load_small, path)} for path in files]


def history(folder: Path = HOME) -> dict[str, dict[str, list[float]]]:
    """Return the loss along the training: `train` and `validation`, each with `steps` and `loss` in nats."""
    found: dict[str, dict[str, list[float]]] = json.loads((folder / "loss.json").read_text(encoding="utf-8"))
    return found
