"""A variational autoencoder for 32 x 32 portraits whose factors are known."""

from .model import parts as parts
