"""See every module that runs, and put something else in place of what it returns: for runs of our own.

A capture only looks (:mod:`genviz.capture.hooks`). A live model that answers "what if" runs its model once
more with other vectors somewhere inside; no one else sees that run, and every hook is gone after it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks
from genviz.capture.families.base import Call
from genviz.capture.modules import Network

Replacement = Callable[[Call], Any]


class _Seeing:
    """A watcher that tells of every run of the network's modules."""

    def __init__(self, network: Network, seen: Callable[[Call], None]) -> None:
        self._network, self._seen = network, seen
        self._ran: dict[str, int] = {}

    def before(self, module: nn.Module) -> None:
        pass

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        path = self._network.path(module)
        if path is None:
            return
        number = self._ran.get(path, 0)
        self._ran[path] = number + 1
        stack = tuple(p for each in hooks.running() if (p := self._network.path(each)) is not None)
        self._seen(Call(path, module, args, kwargs, output, number, stack, {}))

    def attended(self, seen: Any) -> None:
        pass

    def unattended(self, module: nn.Module | None, reason: str) -> None:
        pass

    def valued(self, seen: Any) -> None:
        pass


@contextmanager
def seeing(network: Network, seen: Callable[[Call], None]) -> Iterator[None]:
    """Tell ``seen`` of every module's run inside the block, innermost first, in this context only."""
    watcher = _Seeing(network, seen)
    hooks.attach(watcher, ())
    try:
        yield
    finally:
        hooks.detach(watcher)


@contextmanager
def replacing(
    network: Network, replacements: Mapping[str, Replacement], inputs: Mapping[str, Replacement] | None = None
) -> Iterator[None]:
    """Replace what modules return, or are given, while the block runs.

    Parameters
    ----------
    network : Network
    replacements : mapping
        Path → ``Call → output``; None leaves the output as it is.
    inputs : mapping, optional
        Path → ``Call → tensor`` to be given in place of the first tensor; None leaves it.

    Examples
    --------
    >>> model = nn.Sequential(nn.Identity(), nn.ReLU())
    >>> with replacing(Network.of(model), {"0": lambda call: -call.output}):
    ...     model(torch.tensor([-2.0]))
    tensor([2.])
    """
    handles = []
    try:
        for path, change in replacements.items():
            handles.append(network[path].register_forward_hook(_hook(path, change), with_kwargs=True))
        for path, change in (inputs or {}).items():
            handles.append(network[path].register_forward_pre_hook(_before(path, change), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(path: str, change: Replacement) -> Callable[..., Any]:
    numbers = iter(range(1 << 62))

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        return change(Call(path, module, args, kwargs, output, next(numbers), (path,), {}))

    return hook


def _before(path: str, change: Replacement) -> Callable[..., Any]:
    numbers = iter(range(1 << 62))

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(path, module, args, kwargs, None, next(numbers), (path,), {})
        given, made = call.given, change(call)
        if made is None or given is None:
            return None
        if any(each is given for each in args):
            return tuple(made if each is given else each for each in args), kwargs
        return args, {name: made if value is given else value for name, value in kwargs.items()}

    return hook


def with_first(output: Any, tensor: torch.Tensor) -> Any:
    """Return an output with another tensor in place of its first.

    Examples
    --------
    >>> with_first((torch.zeros(1), "cache"), torch.ones(1))
    (tensor([1.]), 'cache')
    """
    if isinstance(output, torch.Tensor):
        return tensor
    if isinstance(output, dict):
        at = next(key for key, value in output.items() if isinstance(value, torch.Tensor))
        changed = type(output)(output)
        changed[at] = tensor
        return changed
    if is_dataclass(output) and not isinstance(output, type):
        named = (field.name for field in fields(output))
        return replace(
            output, **{next(n for n in named if isinstance(getattr(output, n), torch.Tensor)): tensor}
        )
    at = next(place for place, value in enumerate(output) if isinstance(value, torch.Tensor))
    return type(output)([*output[:at], tensor, *output[at + 1 :]])
