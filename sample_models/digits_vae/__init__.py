"""A variational autoencoder that draws new handwritten digits."""

from .model import parts as parts
