"""A generative adversarial network for 32 x 32 portraits, with checkpoints from noise to faces."""

from .model import parts as parts
