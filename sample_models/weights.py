"""Weights as every sample keeps them: safetensors, which hold numbers and no code."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from safetensors.torch import load_file
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def restored(network: Network, path: Path) -> Network:
    """Return `network` with the weights of a file, in evaluation mode; its own type of number stays."""
    network.load_state_dict(load_file(path))
    return network.eval()
