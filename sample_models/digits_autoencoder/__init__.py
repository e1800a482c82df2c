"""An autoencoder that squeezes a handwritten digit into eight numbers."""

from .model import parts as parts
