"""What makes an autoencoder variational: a code that is drawn, and the price of telling one from another.

Kingma and Welling, "Auto-Encoding Variational Bayes" (2014).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VariationalAutoencoder(nn.Module):
    """Encoder and decoder with a Gaussian code between them; the prior is N(0, 1).

    Parameters
    ----------
    encoder : Module
        Gives mean and log-variance of the code, each (n, latent).
    decoder : Module
        Turns codes (n, latent) into what the encoder was given.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (n, latent)."""
        mean, log_variance = self.encoder(x)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Return what codes (n, latent) stand for."""
        made: Tensor = self.decoder(z)
        return made

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstruction, mean and log-variance; the code is drawn while training, else the mean."""
        mean, log_variance = self.encode(x)
        z = drawn(mean, log_variance) if self.training else mean
        return self.decode(z), mean, log_variance


class Halves(nn.Module):
    """Part numbers into means and log-variances."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two halves, (n, latent) each, of (n, 2 latent)."""
        mean, log_variance = x.chunk(2, dim=1)
        return mean, log_variance


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return a code (n, latent) from N(mean, variance), so that gradients reach both (section 2.4 there).

    Examples
    --------
    >>> mean, log_variance = torch.ones(2, 3), torch.full((2, 3), -80.0)
    >>> torch.allclose(drawn(mean, log_variance), mean)
    True
    """
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the KL divergence to N(0, 1) of each number in the code, (latent,) in nats, mean over the batch.

    Appendix B there.

    Examples
    --------
    >>> divergence(torch.ones(4, 2), torch.zeros(4, 2))
    tensor([0.5000, 0.5000])
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean(dim=0)
