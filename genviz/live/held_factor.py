"""An activation function with its factor held: what makes a head with a layer of its own linear.

``f(x) = (f(x) / x) · x`` for a function that keeps zero at zero (ReLU, GELU, SiLU, tanh …). With the factor
held at what it is for one vector, as a norm's scale is, what remains is linear, and the parts of ``x`` have
parts of ``f(x)`` that sum to it. It is the rule that keeps relevance in gated networks (Ali et al. 2022,
"XAI for Transformers", and Achtibat et al. 2024, AttnLRP, for GELU and SiLU); it does not say what would come
of ``x`` without one of its parts, because then the factor would be another.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genviz.analysis.activations import FUNCTIONS, identify

_NEAR = {torch.float16: 2e-2, torch.bfloat16: 5e-2}


@dataclass(frozen=True)
class HeldFactor:
    """An activation function as a product.

    Parameters
    ----------
    name : str
        Of the function, as in :data:`genviz.analysis.activations.FUNCTIONS`.
    factor : Tensor
        ``f(x) / x``, of the shape of ``x``; 0 where ``x`` is 0.
    """

    name: str
    factor: Tensor

    @classmethod
    def between(cls, before: Tensor, after: Tensor) -> "HeldFactor | None":
        """Find the function that made ``after`` of ``before``; None where none of those known did."""
        x, y = (each.detach().double() for each in (before, after))
        if x.shape != y.shape:
            return None
        near = _NEAR.get(before.dtype, 2e-4)
        flat = (each.flatten().cpu().numpy() for each in (x, y))
        found = identify(*flat, tolerance=near).name
        if found in ("", "none") or FUNCTIONS[found](np.zeros(1))[0] != 0:
            return None
        return cls(found, torch.where(x == 0, torch.zeros_like(x), y / x).to(after.dtype))

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the product."""
        return self.factor * x
