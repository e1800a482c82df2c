"""What makes an autoencoder variational: a code that is drawn, and the price of telling one from another.

Kingma and Welling, "Auto-Encoding Variational Bayes" (2014).
"""

from __future__ import annotations

import torch
from torch import Tensor


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
