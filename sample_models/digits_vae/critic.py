"""What keeps the digits that the VAE invents sharp while it is trained; it is not part of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sample_models.digits import WIDTH

LEARNING_RATE = 2e-3
R1_WEIGHT = 0.2
# An eight is nearly the mean of all digits, so its codes lie about the middle, where N(0, 1) in eight
# dimensions hardly ever draws one: without a strong pull towards all digits alike, eights are not invented.
SPREAD = 4.0
UNCLEAR = 1.5
# What a VAE draws for a code between two classes is a mixture of both: mixtures of real digits, which are
# none, are counted as invented ones (so many at most), so that the critic knows them.
MIXTURES = 48


class Critic(nn.Module):
    """Tell real digits from invented ones, and digits from one another.

    A classifier of the ten digits whose log-sum-exp serves as the logit of "real": the discriminator of
    Salimans et al., "Improved Techniques for Training GANs" (2016), section 5. A VAE alone draws a mixture of
    two digits for a code between two classes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),  # (n, 64)
            nn.Linear(64, WIDTH),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.2),
            nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.2),
            nn.Linear(WIDTH, 10),  # (n, 10)
        )
        self.optimiser = torch.optim.Adam(self.parameters(), lr=LEARNING_RATE, betas=(0.5, 0.99))

    def forward(self, x: Tensor) -> Tensor:
        """Return ten class logits (n, 10) of images (n, 1, 8, 8)."""
        logits: Tensor = self.layers(x)
        return logits

    def learn(self, real: Tensor, digit: Tensor, invented: Tensor) -> None:
        """Take one step on real images with their digits (n,), and on invented images, all (n, 1, 8, 8).

        Mixtures of two real digits count as invented.
        The squared gradient on real images is held down: R1 of Mescheder et al., "Which Training Methods for
        GANs do actually Converge?" (2018), section 4.1.
        """
        invented = torch.cat([invented.detach(), mixtures(real, digit)[:MIXTURES]])
        real = real.detach().requires_grad_(True)
        logits = self(real)
        score = logits.logsumexp(dim=1)
        (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
        loss = (
            nn.functional.softplus(-score).mean()
            + nn.functional.softplus(self(invented).logsumexp(dim=1)).mean()
            + R1_WEIGHT * slope.square().flatten(1).sum(dim=1).mean()
            + nn.functional.cross_entropy(logits, digit)
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()

    def complaint(self, invented: Tensor) -> Tensor:
        """Return how far invented images (n, 1, 8, 8) are from real, clear and evenly spread digits.

        With both weights at 1 the last two terms are the negative mutual information of image and digit: each
        image should be one digit, all images together all digits (Springenberg, "Unsupervised and
        Semi-supervised Learning with Categorical Generative Adversarial Networks", 2016, section 3).
        """
        logits = self._seen(invented)
        share = logits.softmax(dim=1)
        overall = share.mean(dim=0)
        unclear = -(share * logits.log_softmax(dim=1)).sum(dim=1).mean()
        spread = -(overall * overall.clamp_min(1e-6).log()).sum()
        return _doubt(logits) + UNCLEAR * unclear - SPREAD * spread

    def misreading(self, redrawn: Tensor, digit: Tensor) -> Tensor:
        """Return how far redrawn images (n, 1, 8, 8) are from real ones of their digits (n,)."""
        logits = self._seen(redrawn)
        return _doubt(logits) + nn.functional.cross_entropy(logits, digit)

    def _seen(self, images: Tensor) -> Tensor:
        # Only the images are to move: the critic's own parameters gather no gradient here.
        self.requires_grad_(False)
        logits: Tensor = self(images)
        self.requires_grad_(True)
        return logits


def mixtures(images: Tensor, digit: Tensor) -> Tensor:
    """Return images (m, 1, 8, 8) between two of different digits: a quarter to three quarters of each."""
    other = torch.randperm(len(images))
    share = 0.25 + 0.5 * torch.rand(len(images), 1, 1, 1)
    return (share * images + (1 - share) * images[other])[digit != digit[other]]


def _doubt(logits: Tensor) -> Tensor:
    return nn.functional.softplus(-logits.logsumexp(dim=1)).mean()
