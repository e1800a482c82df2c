"""Pictures that a transformer cuts into patches (arXiv:2010.11929): the picture, and the grid of patches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from genviz.capture.families.base import Call, Tap, given
from genviz.capture.families.structure import Block
from genviz.capture.modules import Network


def patch_taps(network: Network, layers: Sequence[Block]) -> Iterator[Tap]:
    """The picture given to the convolution that makes patches: outside all layers, its stride its size."""
    inside = tuple(f"{block.path}." for block in layers)
    for path, module in network.modules.items():
        if isinstance(module, nn.Conv2d) and not path.startswith(inside) and _cuts(module):
            yield Tap(path, "sample", site="", take=given, attrs=_grid, optional=True)
            return


def _cuts(module: nn.Conv2d) -> bool:
    return module.kernel_size == module.stride and min(module.kernel_size) > 1 and module.in_channels <= 4


def _grid(call: Call) -> Mapping[str, Any]:
    made = call.result
    return {} if made is None or made.ndim != 4 else {"grid": [int(side) for side in made.shape[2:]]}
