"""Portraits drawn from known factors, so that the truth behind every latent is known.

Examples
--------
>>> from sample_models.faces import draw, sample_factors
>>> draw(sample_factors(4, seed=0)).shape
(4, 3, 32, 32)
"""

from .drawing import draw
from .factors import CATEGORIES, CONTINUOUS, IDENTITY, VARIATION, labels, sample_factors, sample_people

__all__ = [
    "CATEGORIES",
    "CONTINUOUS",
    "IDENTITY",
    "VARIATION",
    "draw",
    "labels",
    "sample_factors",
    "sample_people",
]
