"""What keeps the digits that the VAE invents sharp while it is trained; it is not part of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sample_models.digits import WIDTH

LEARNING_RATE = 5e-4


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

        The squared gradient on real images is held down: R1 of Mescheder et al., "Which Training Methods for
        GANs do actually Converge?" (2018), section 4.1.
        """
        real = real.detach().requires_grad_(True)
        logits = self(real)
        score = logits.logsumexp(dim=1)
        (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
        loss = (
            nn.functional.softplus(-score).mean()
            + nn.functional.softplus(self(invented.detach()).logsumexp(dim=1)).mean()
            + 0.5 * slope.square().flatten(1).sum(dim=1).mean()
            + nn.functional.cross_entropy(logits, digit)
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()

    def complaint(self, invented: Tensor) -> Tensor:
        """Return how far invented images (n, 1, 8, 8) are from real, clear and evenly spread digits.

        The last two terms are the negative mutual information of image and digit: each image should be one
        digit, all images together all digits (Springenberg, "Unsupervised and Semi-supervised Learning with
        Categorical Generative Adversarial Networks", 2016, section 3).
        """
        # Only the images are to move: the critic's own parameters gather no gradient here.
        self.requires_grad_(False)
        logits = self(invented)
        self.requires_grad_(True)
        share = logits.softmax(dim=1)
        overall = share.mean(dim=0)
        unclear = -(share * logits.log_softmax(dim=1)).sum(dim=1).mean()
        spread = -(overall * overall.clamp_min(1e-6).log()).sum()
        total: Tensor = nn.functional.softplus(-logits.logsumexp(dim=1)).mean() + unclear - spread
        return total
