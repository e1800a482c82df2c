"""What the samples' `train.py` share: the loop, the pace of learning, and their command line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import trange


def descend(
    model: nn.Module,
    loss_at: Callable[[int], Tensor],
    *,
    optimiser: torch.optim.Optimizer,
    pace: Callable[[int], float],
    steps: int,
    longest: float,
    name: str,
    keep: Callable[[int], None] | None = None,
) -> list[float]:
    """Train `model` in place; return the loss on the batch of each step.

    Parameters
    ----------
    model : Module
        What is trained.
    loss_at : callable
        Gets the number of the step, returns the loss on a batch.
    optimiser : Optimizer
        Over the parameters of `model`.
    pace : callable
        Gets the number of the step, returns what the learning rate is multiplied by.
    steps : int
        Optimiser steps.
    longest : float
        Gradients are cut to this norm.
    name : str
        Stands before the progress bar.
    keep : callable, optional
        Called with the number of steps made so far: before the first, between any two, after the last.
    """
    losses: list[float] = []
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, pace)
    progress = trange(steps, desc=name, mininterval=2)
    for step in progress:
        if keep is not None:
            keep(step)
        loss = loss_at(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), longest)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 0:
            progress.set_postfix(loss=f"{losses[-1]:.3f}")
    if keep is not None:
        keep(steps)
    return losses


def cosine(step: int, *, steps: int, warm_up: int, floor: float) -> float:
    """Return the share of the learning rate at a step: up in a line, down along a cosine (SGDR, 2017).

    Examples
    --------
    >>> [round(cosine(step, steps=100, warm_up=10, floor=0.1), 2) for step in (0, 9, 50, 100)]
    [0.1, 0.98, 0.55, 0.1]
    """
    warm = min(1.0, (step + 1) / warm_up)
    return warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * step / steps)))


def options(
    about: str | None, *, out: Path, steps: int | None = None, flags: Mapping[str, str] | None = None
) -> argparse.Namespace:
    """Read the command line of a `train.py`, and make the folder `out`.

    Parameters
    ----------
    about : str, optional
        What `--help` says of it.
    out : Path
        Default of `--out`; `--seed` is 0.
    steps : int, optional
        Default of `--steps`, where it counts steps.
    flags : mapping of str to str, optional
        Switches of its own, and what `--help` says of them.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--out", type=Path, default=out, help="folder for what is learnt")
    parser.add_argument("--seed", type=int, default=0)
    if steps is not None:
        parser.add_argument("--steps", type=int, default=steps)
    for name, meaning in (flags or {}).items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    found = parser.parse_args()
    found.out.mkdir(parents=True, exist_ok=True)
    return found


def tell(metrics: Mapping[str, float]) -> None:
    """Print metrics as a card lists them."""
    for name, value in metrics.items():
        print(f"{name:32s} {value:.4f}")
