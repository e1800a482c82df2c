"""The only code that touches hooks, and that stands in for functions of other libraries.

Hooks are registered once per process for all modules (``register_module_forward_hook``), not on the modules
of a model: a hook on a submodule turns the fused path of ``nn.TransformerEncoderLayer`` off, which changes
its outputs, and tables of thousands of modules need not be edited and restored. What is seen goes to the
watchers of the current context only (``contextvars``): other threads that run the same model go unrecorded,
or into recordings of their own.

Everything here is installed while at least one watcher is attached, and taken away with the last one.
"""

import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.modules import module as torch_module
from torch.utils.hooks import RemovableHandle

from genviz.capture import stand_ins
from genviz.capture.stand_ins import StandIn, original

__all__ = [
    "StandIn",
    "Watcher",
    "attach",
    "detach",
    "drop_stale",
    "on_gradient",
    "original",
    "quiet",
    "running",
    "watchers",
]


class Watcher(Protocol):
    """What is told about the modules that run in its context."""

    def before(self, module: nn.Module) -> None:
        """Tell that a module is about to run."""

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Tell that a module ran."""

    def attended(self, seen: Any) -> None:
        """Tell that attention was computed (a :class:`genviz.capture.attention.seen.Seen`)."""

    def valued(self, seen: Any) -> None:
        """Tell the values of an attention call whose weights were told before (``seen.value``)."""

    def unattended(self, module: nn.Module | None, reason: str) -> None:
        """Tell that attention was computed in a way that cannot be kept."""


# Contexts are copied (tasks, callbacks) and outlive the block: they hold numbers, which keep nothing alive.
_WATCHERS: ContextVar[tuple[int, ...]] = ContextVar("genviz_watchers", default=())
_NUMBERS = itertools.count()
_LOCK = threading.RLock()
_OPEN: dict[int, "_Attached"] = {}


class _Thread(threading.local):
    """The modules that are running in a thread, outermost first; and the hooks that see some of them last."""

    def __init__(self) -> None:
        self.running: list[nn.Module] = []
        self.late: list[tuple[int, RemovableHandle]] = []  # depth in ``running``, hook
        self.quiet = 0

    def cut(self, depth: int) -> None:
        """Forget what runs below a depth."""
        del self.running[depth:]
        while self.late and self.late[-1][0] >= depth:
            self.late.pop()[1].remove()


_THREAD = _Thread()


@dataclass
class _Attached:
    watcher: Watcher
    handles: list[RemovableHandle]
    many: int = 256  # handles, before those of tensors that are gone are dropped


def watchers() -> tuple[Watcher, ...]:
    """Watchers of this context; none while code is traced, in a backward pass, or under :func:`quiet`."""
    if torch.compiler.is_compiling():
        return ()
    found = _WATCHERS.get()
    if not found or _THREAD.quiet or torch.jit._trace.is_tracing() or torch._C._current_graph_task_id() != -1:
        return ()
    return tuple(attached.watcher for number in found if (attached := _OPEN.get(number)) is not None)


def running() -> tuple[nn.Module, ...]:
    """Modules that are running in this thread, outermost first."""
    return tuple(_THREAD.running)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that runs inside is seen: for computations of our own."""
    _THREAD.quiet += 1
    try:
        yield
    finally:
        _THREAD.quiet -= 1


def attach(watcher: Watcher, functions: Iterable[StandIn] = ()) -> None:
    """Begin to tell a watcher what runs in the current context; all of it or nothing is installed."""
    attached, number = _Attached(watcher, []), next(_NUMBERS)
    try:
        with _LOCK:
            _OPEN[number] = attached
            if not _here():
                _THREAD.cut(0)
            _install_global()
            for stand_in in functions:
                stand_ins.install(stand_in, number)
            _WATCHERS.set((*_here(), number))
    except BaseException:
        detach(watcher)
        raise


def detach(watcher: Watcher) -> None:
    """Stop telling a watcher, and take away what nobody needs any more; may be repeated, in any order.

    Everything is found anew by what it is, so that a second call completes one that was interrupted.
    """
    with _LOCK:
        number = _number(watcher)
        if number is not None:
            for handle in _OPEN[number].handles:
                handle.remove()
            del _OPEN[number]
        stand_ins.keep(_OPEN)
        if not _OPEN:
            _uninstall_global()
        _WATCHERS.set(_here())
        if not _WATCHERS.get():
            _THREAD.cut(0)  # what an interrupt left there


def _here() -> tuple[int, ...]:
    """Numbers of the watchers of this context that are still attached."""
    return tuple(number for number in _WATCHERS.get() if number in _OPEN)


def _number(watcher: Watcher) -> int | None:
    return next((number for number, each in list(_OPEN.items()) if each.watcher is watcher), None)


def on_gradient(watcher: Watcher, tensor: torch.Tensor, seen: Callable[[torch.Tensor], None]) -> bool:
    """Tell ``seen`` the gradient that reaches a tensor; False when none will.

    The gradient itself is left as it is, and the hook goes with the watcher.
    """
    number = _number(watcher)
    if number is None or not tensor.requires_grad:
        return False

    once = tensor.is_leaf  # a parameter outlives its step: each run waits for one gradient, not for all

    def hook(gradient: torch.Tensor) -> None:
        if once:
            handle.remove()
        if number in _OPEN:
            seen(gradient)

    attached = _OPEN[number]
    handle = tensor.register_hook(hook)
    attached.handles.append(handle)
    if len(attached.handles) > attached.many:
        attached.handles[:] = [each for each in attached.handles if each.id in (each.hooks_dict_ref() or ())]
        attached.many = 2 * len(attached.handles) + 256
    return True


# -- modules -------------------------------------------------------------------------------------


def _before(module: nn.Module, args: tuple[Any, ...]) -> None:
    seen_by = watchers()
    if not seen_by:
        return
    _THREAD.running.append(module)
    if module._forward_hooks:
        _see_last(module)
    for watcher in seen_by:
        watcher.before(module)


def _after(module: nn.Module, args: tuple[Any, ...], *rest: Any) -> None:
    """Called with ``(kwargs, output)``, or with ``(None,)`` alone when the module raised."""
    seen_by = watchers()
    if not seen_by:
        return
    if len(rest) == 2:
        if _THREAD.late and _THREAD.late[-1][0] == len(_THREAD.running) - 1:
            return
        for watcher in seen_by:
            watcher.after(module, args, *rest)
    _leave(module)


def _leave(module: nn.Module) -> None:
    """Take a module off, and what an interrupt left above it."""
    stack = _THREAD.running
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth] is module:
            _THREAD.cut(depth)
            return


def drop_stale() -> None:
    """Forget modules that are not running any more: an interrupt left them, and the block went on."""
    alive, stale = list(_THREAD.running), len(_THREAD.running)
    frame: FrameType | None = sys._getframe()
    while frame is not None and stale:
        if frame.f_code is nn.Module._call_impl.__code__:
            if frame.f_locals["self"] is not alive[stale - 1]:
                break
            stale -= 1
        frame = frame.f_back
    if not stale:
        return
    _THREAD.cut(0)
    for module in alive[stale:]:
        _THREAD.running.append(module)
        if module._forward_hooks:
            _see_last(module)


def _see_last(module: nn.Module) -> None:
    """Other people's hooks may replace what a module returns: it is seen after them, in this one call."""
    running = _THREAD.running
    depth = len(running) - 1

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if _THREAD.running is not running or len(running) - 1 != depth:
            return  # another thread's call, or one inside this one
        for watcher in watchers():
            watcher.after(module, args, kwargs, output)
        _leave(module)

    _THREAD.late.append((depth, module.register_forward_hook(hook, with_kwargs=True)))


def _install_global() -> None:
    if _before not in torch_module._global_forward_pre_hooks.values():
        torch_module.register_module_forward_pre_hook(_before)
    if _after not in torch_module._global_forward_hooks.values():
        torch_module.register_module_forward_hook(_after, with_kwargs=True, always_call=True)


def _uninstall_global() -> None:
    """Take our two hooks out of PyTorch's tables, without their handles: an interrupt may lose those."""
    flags = (torch_module._global_forward_hooks_with_kwargs, torch_module._global_forward_hooks_always_called)
    for table, ours in (
        (torch_module._global_forward_pre_hooks, _before),
        (torch_module._global_forward_hooks, _after),
    ):
        for number in [number for number, hook in table.items() if hook is ours]:
            for each in (*flags, table):
                each.pop(number, None)
