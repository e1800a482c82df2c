"""Train the portrait GAN from scratch: `python -m sample_models.faces_gan.train`."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import trange

from sample_models.faces import draw, sample_factors
from sample_models.training import options, tell

from .metrics import evaluate
from .model import CHECKPOINTS, LATENT_SIZE, Discriminator, Generator, checkpoints

STEPS = 10_000
BATCH = 32
FACES = 30_000
LEARNING_RATE = 1e-3
BETAS = (0.5, 0.99)
# Zero-centred gradient penalty on real faces (R1; Mescheder et al. 2018), every few steps as in StyleGAN2.
R1_GAMMA = 0.1
R1_EVERY = 8
AVERAGING = 0.999
# From noise to faces: what happens early happens fast.
SHARES = (0.0, 0.0015, 0.004, 0.008, 0.015, 0.025, 0.04, 0.065, 0.1, 0.16, 0.25, 0.4, 0.65, 1.0)

Network = TypeVar("Network", bound=nn.Module)
Keep = Callable[[int, Generator, Discriminator], None]


class Game:
    """The two networks, their optimisers and the running average of the generator."""

    def __init__(self, *, steps: int) -> None:
        self.generator = _channels_last(Generator()).train()
        self.discriminator = _channels_last(Discriminator()).train()
        _settle(self.generator)
        self.averaged = copy.deepcopy(self.generator).eval()
        self.steps = steps
        self._step_generator = _optimiser(self.generator)
        self._step_discriminator = _optimiser(self.discriminator)

    def play(self, step: int, real: Tensor) -> tuple[float, float]:
        """Let the discriminator learn, then the generator; return their losses."""
        for optimiser in (self._step_generator, self._step_discriminator):
            optimiser.param_groups[0]["lr"] = LEARNING_RATE * _pace(step / self.steps)
        fake = self.generator(torch.randn(len(real), LATENT_SIZE))
        loss = discriminator_loss(self.discriminator, real=real, fake=fake.detach())
        if step % R1_EVERY == 0:
            loss = loss + R1_EVERY * gradient_penalty(self.discriminator, real)
        _update(self._step_discriminator, loss)
        # Non-saturating: the generator is rewarded for each fake that passes (Goodfellow 2014, section 3).
        _freeze(self.discriminator, frozen=True)
        deception = F.softplus(-self.discriminator(fake)).mean()
        _update(self._step_generator, deception)
        _freeze(self.discriminator, frozen=False)
        self._average(step)
        return loss.item(), deception.item()

    def _average(self, step: int) -> None:
        keep = min(AVERAGING, (1 + step) / (10 + step))
        with torch.no_grad():
            source = self.generator.state_dict()
            for name, value in self.averaged.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(source[name], 1 - keep)
                else:
                    value.copy_(source[name])


def discriminator_loss(discriminator: nn.Module, *, real: Tensor, fake: Tensor) -> Tensor:
    """Return the cross-entropy of telling real (1) from fake (0) faces (Goodfellow 2014, equation 1)."""
    return F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()


def gradient_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Return R1: gamma / 2 times the squared norm of the score's gradient at real faces, batch mean."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return 0.5 * R1_GAMMA * gradient.square().sum(dim=(1, 2, 3)).mean()


def train(seed: int, *, steps: int, faces: int = FACES, keep: Keep | None = None) -> Game:
    """Play the game for `steps` steps.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, the faces, their order and the noise.
    steps : int
        Steps of each network.
    faces : int, optional
        Size of the training set.
    keep : callable, optional
        Called with step, averaged generator and discriminator at each share of the training in `SHARES`.
    """
    torch.manual_seed(seed)
    portraits = torch.from_numpy((draw(sample_factors(faces, seed=seed)) * 255).round().astype(np.uint8))
    game = Game(steps=steps)
    kept = {round(share * steps) for share in SHARES}
    progress = trange(steps + 1, desc="faces_gan", mininterval=2)
    for step in progress:
        if keep is not None and step in kept:
            keep(step, game.averaged, game.discriminator)
        if step == steps:
            break
        batch = portraits[torch.randint(faces, (BATCH,))].to(memory_format=torch.channels_last).float() / 255
        losses = game.play(step, batch)
        if step % 50 == 0:
            progress.set_postfix(d=f"{losses[0]:.2f}", g=f"{losses[1]:.2f}")
    return game


def save_checkpoint(folder: Path, *, step: int, generator: nn.Module, discriminator: nn.Module) -> None:
    """Write both networks as float16 and add `step` to the folder's list of steps."""
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        state = {key: _half(value) for key, value in network.state_dict().items()}
        save_file(state, folder / f"{name}-{step:05d}.safetensors")
    index = folder / "steps.json"
    steps = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    index.write_text(json.dumps(sorted({*steps, step})) + "\n", encoding="utf-8")


def _half(value: Tensor) -> Tensor:
    return value.detach().half().contiguous() if value.is_floating_point() else value


def _optimiser(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS)


def _settle(generator: nn.Module) -> None:
    # Until batch normalisation has seen some noise, the untrained generator draws an even grey in evaluation.
    # The statistics of evaluation take no part in training, nor does this noise: the game stays the same.
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(50):
            generator(torch.randn(BATCH, LATENT_SIZE, generator=noise))


def _channels_last(network: Network) -> Network:
    # This layout of memory changes nothing but the speed: a third less time per step.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return network


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def _freeze(network: nn.Module, *, frozen: bool) -> None:
    for parameter in network.parameters():
        parameter.requires_grad_(not frozen)


def _pace(share: float) -> float:
    # Constant for the first half, then down to a tenth, so that the game settles.
    return 1.0 if share < 0.5 else 0.1 + 0.45 * (1 + math.cos(math.pi * (2 * share - 1)))


def main() -> None:
    """Train, save the checkpoints and print the metrics of the card."""
    asked = options(__doc__, out=CHECKPOINTS, steps=STEPS)
    for old in (*asked.out.glob("*.safetensors"), *asked.out.glob("steps.json")):
        old.unlink()

    def keep(step: int, generator: Generator, discriminator: Discriminator) -> None:
        save_checkpoint(asked.out, step=step, generator=generator, discriminator=discriminator)

    train(asked.seed, steps=asked.steps, faces=FACES, keep=keep)
    tell(evaluate(checkpoints(asked.out)[-1]))


if __name__ == "__main__":
    main()
