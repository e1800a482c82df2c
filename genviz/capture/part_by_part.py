"""Ask PyTorch's encoder layers to run their parts one by one, for runs whose outputs nobody uses.

In evaluation without gradients ``nn.TransformerEncoderLayer`` and ``nn.MultiheadAttention`` run one fused
kernel that gives out no parts: no feed-forward activations, no contributions. ``genviz.record`` leaves that
as it is, because other kernels give other last digits. A live run made only to be looked at may do without.

``torch.backends.mha.set_fastpath_enabled`` would do it for the whole process, in other threads as well. What
is asked at each run is ``get_fastpath_enabled``: that answers no in one context and to everyone else what it
always does.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks
from genviz.capture.modules import Model, Network

#: What such a run says of itself in its provenance.
NOTE = (
    "off in this run, so that every part could be seen: PyTorch's fused encoder kernel gives out none; "
    "numbers may differ from its in the last digits"
)
_FUSING = (nn.TransformerEncoder, nn.TransformerEncoderLayer, nn.MultiheadAttention)


class _PartByPart:
    """A watcher that keeps nothing: that it watches is what the stand-in looks for."""

    def before(self, module: nn.Module) -> None:
        pass

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        pass

    def attended(self, seen: Any) -> None:
        pass

    def valued(self, seen: Any) -> None:
        pass

    def unattended(self, module: nn.Module | None, reason: str) -> None:
        pass


@contextmanager
def part_by_part(model: Model) -> Iterator[dict[str, str]]:
    """Run what is inside without PyTorch's fused encoder kernels, in this context only.

    Parameters
    ----------
    model : nn.Module, or mapping of name to nn.Module
        What will run.

    Yields
    ------
    dict
        What to add to the run's provenance: ``fast_path``, when that changes anything; else nothing.

    Examples
    --------
    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    >>> with part_by_part(layer) as changed:
    ...     torch.backends.mha.get_fastpath_enabled(), list(changed)
    (False, ['fast_path'])
    >>> torch.backends.mha.get_fastpath_enabled()
    True
    """
    fusing = any(isinstance(part, _FUSING) for part in Network.of(model).modules.values())
    if not fusing or not torch.backends.mha.get_fastpath_enabled():
        yield {}
        return
    watcher = _PartByPart()
    try:
        hooks.attach(watcher, [hooks.StandIn(torch.backends.mha, "get_fastpath_enabled", _build)])
        yield {"fast_path": NOTE}
    finally:
        hooks.detach(watcher)


def _build(original: Callable[[], bool]) -> Callable[[], bool]:
    @functools.wraps(original)
    def get_fastpath_enabled() -> bool:
        return original() and not any(isinstance(each, _PartByPart) for each in hooks.watchers())

    return get_fastpath_enabled
