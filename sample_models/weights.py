"""Weights as every sample keeps them: safetensors, which hold numbers and no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
_SCALE = ".scale"


def restored(network: Network, path: Path) -> Network:
    """Return `network` with the weights of a file, in evaluation mode; its own type of number stays."""
    network.load_state_dict(load_file(path))
    return network.eval()


def save_half(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Write weights as float16, half the size of float32, and return what was written."""
    halved = {name: value.detach().half().contiguous() for name, value in state.items()}
    save_file(halved, path)
    return halved


def save_small(state: Mapping[str, Tensor], path: Path) -> None:
    """Write weights in a quarter of float32's size: each row of a matrix as int8 with a scale of its own.

    A weight is off by at most a 254th of the largest of its row. What is no matrix is kept as float16.
    """
    small: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.ndim == 2:
            scale = value.detach().float().abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
            small[name] = (value.detach() / scale).round().to(torch.int8)
            small[name + _SCALE] = scale
        else:
            small[name] = value.detach().half()
    save_file(small, path)


def load_small(path: Path) -> dict[str, Tensor]:
    """Return the weights that `save_small` wrote, as float32.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> save_small({"weight": torch.tensor([[1.0, -0.5], [0.0, 0.0]])}, place)
    >>> load_small(place)["weight"].round(decimals=2).tolist()
    [[1.0, -0.5], [0.0, 0.0]]
    """
    small = load_file(path)
    found = {}
    for name, value in small.items():
        if not name.endswith(_SCALE):
            scale = small.get(name + _SCALE)
            found[name] = value.float() if scale is None else value.float() * scale
    return found
