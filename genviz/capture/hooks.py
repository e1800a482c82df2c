"""The only code that touches hooks, and that stands in for functions of other libraries.

Hooks are registered once per process for all modules (``register_module_forward_hook``), not on the modules
of a model: a hook on a submodule turns the fused path of ``nn.TransformerEncoderLayer`` off, which changes
its outputs, and tables of thousands of modules need not be edited and restored. What is seen goes to the
watchers of the current context only (``contextvars``): other threads that run the same model go unrecorded,
or into recordings of their own.

Everything here is installed while at least one watcher is attached, and taken away with the last one.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.modules import module as torch_module
from torch.utils.hooks import RemovableHandle


class Watcher(Protocol):
    """What is told about the modules that run in its context."""

    def before(self, module: nn.Module) -> None:
        """Tell that a module is about to run."""

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Tell that a module ran."""

    def attended(self, seen: Any) -> None:
        """Tell that attention was computed (a :class:`genviz.capture.attention.seen.Seen`)."""

    def unattended(self, module: nn.Module | None, reason: str) -> None:
        """Tell that attention was computed in a way that cannot be kept."""

    @property
    def late(self) -> Set[nn.Module]:
        """Modules with hooks of other people's that may replace their output: it is seen after those."""


@dataclass(frozen=True)
class StandIn:
    """A function to put in place of ``owner.name`` while somebody watches.

    Parameters
    ----------
    owner : object
        Module or class.
    name : str
    build : callable
        Gets the original and returns what stands in for it. It must call the original and return
        its result unchanged, and do nothing else when :func:`watchers` is empty.
    """

    owner: Any
    name: str
    build: Callable[[Callable[..., Any]], Callable[..., Any]]


_WATCHERS: ContextVar[tuple[Watcher, ...]] = ContextVar("genviz_watchers", default=())
_LOCK = threading.RLock()
_OPEN: dict[int, "_Attached"] = {}
_STANDING: dict[tuple[int, str], "_Standing"] = {}
_GLOBAL: list[RemovableHandle] = []


class _Thread(threading.local):
    """The modules that are running in a thread, outermost first."""

    def __init__(self) -> None:
        self.running: list[nn.Module] = []
        self.quiet = 0


_THREAD = _Thread()


@dataclass
class _Attached:
    watcher: Watcher
    stand_ins: list[tuple[int, str]]
    handles: list[RemovableHandle]


@dataclass
class _Standing:
    owner: Any
    name: str
    inherited: bool  # the owner got the name from a base class: taking away means deleting
    original: Any
    replacement: Any
    users: int = 0


def watchers() -> tuple[Watcher, ...]:
    """Watchers of the current context; none while code is traced, in a backward pass, or under :func:`quiet`."""
    if torch.compiler.is_compiling():
        return ()
    found = _WATCHERS.get()
    if not found or _THREAD.quiet or torch.jit.is_tracing() or torch._C._current_graph_task_id() != -1:
        return ()
    return tuple(watcher for watcher in found if id(watcher) in _OPEN)


def running() -> tuple[nn.Module, ...]:
    """Modules that are running in this thread, outermost first."""
    return tuple(_THREAD.running)


def original(owner: Any, name: str) -> Any:
    """``owner.name`` as it is when nobody watches."""
    standing = _STANDING.get((id(owner), name))
    return getattr(owner, name) if standing is None else standing.original


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that runs inside is seen: for computations of our own."""
    _THREAD.quiet += 1
    try:
        yield
    finally:
        _THREAD.quiet -= 1


def attach(watcher: Watcher, stand_ins: Iterable[StandIn] = ()) -> None:
    """Begin to tell a watcher what runs in the current context; all of it or nothing is installed."""
    attached = _Attached(watcher, [], [])
    with _LOCK:
        _OPEN[id(watcher)] = attached
        try:
            if not _WATCHERS.get():
                _THREAD.running.clear()
            _install_global()
            for stand_in in stand_ins:
                attached.stand_ins.append(_install(stand_in))
            for module in watcher.late:
                attached.handles.append(module.register_forward_hook(_ran_last(watcher), with_kwargs=True))
            _WATCHERS.set((*(each for each in _WATCHERS.get() if id(each) in _OPEN), watcher))
        except BaseException:
            detach(watcher)
            raise


def detach(watcher: Watcher) -> None:
    """Stop telling a watcher, and take away what nobody needs any more; may be called twice, in any order."""
    with _LOCK:
        attached = _OPEN.pop(id(watcher), None)
        if attached is None:
            return
        try:
            for handle in attached.handles:
                handle.remove()
        finally:
            for key in reversed(attached.stand_ins):
                _uninstall(key)
            if not _OPEN:
                _uninstall_global()
            _WATCHERS.set(tuple(each for each in _WATCHERS.get() if id(each) in _OPEN))


def on_gradient(watcher: Watcher, tensor: torch.Tensor, seen: Callable[[torch.Tensor], None]) -> bool:
    """Tell ``seen`` the gradient that reaches a tensor; False when none will.

    The gradient itself is left as it is, and the hook goes with the watcher.
    """
    attached = _OPEN.get(id(watcher))
    if attached is None or not tensor.requires_grad:
        return False

    def hook(gradient: torch.Tensor) -> None:
        if id(watcher) in _OPEN:
            seen(gradient)

    attached.handles.append(tensor.register_hook(hook))
    return True


# -- modules -------------------------------------------------------------------------------------


def _before(module: nn.Module, args: tuple[Any, ...]) -> None:
    seen_by = watchers()
    if not seen_by:
        return
    _THREAD.running.append(module)
    for watcher in seen_by:
        watcher.before(module)


def _after(module: nn.Module, args: tuple[Any, ...], *rest: Any) -> None:
    """Called with ``(kwargs, output)``, or with ``(None,)`` alone when the module raised."""
    seen_by = watchers()
    if not seen_by:
        return
    if len(rest) == 2:
        for watcher in seen_by:
            if module not in watcher.late:
                watcher.after(module, args, *rest)
    _leave(module)


def _leave(module: nn.Module) -> None:
    """Take a module off, and what an interrupt left above it."""
    stack = _THREAD.running
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth] is module:
            del stack[depth:]
            return


def _ran_last(watcher: Watcher) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if watcher in watchers():
            watcher.after(module, args, kwargs, output)

    return hook


def _install_global() -> None:
    if not _GLOBAL:
        _GLOBAL.append(torch_module.register_module_forward_pre_hook(_before))
        _GLOBAL.append(torch_module.register_module_forward_hook(_after, with_kwargs=True, always_call=True))


def _uninstall_global() -> None:
    while _GLOBAL:
        handle = _GLOBAL.pop()
        handle.remove()
        # torch 2.13's handle forgets this table.
        torch_module._global_forward_hooks_with_kwargs.pop(handle.id, None)


# -- functions -----------------------------------------------------------------------------------


def _install(stand_in: StandIn) -> tuple[int, str]:
    key = (id(stand_in.owner), stand_in.name)
    if key not in _STANDING:
        original = getattr(stand_in.owner, stand_in.name)
        replacement = stand_in.build(original)
        inherited = stand_in.name not in vars(stand_in.owner)
        _STANDING[key] = _Standing(stand_in.owner, stand_in.name, inherited, original, replacement)
        setattr(stand_in.owner, stand_in.name, replacement)
    _STANDING[key].users += 1
    return key


def _uninstall(key: tuple[int, str]) -> None:
    standing = _STANDING[key]
    standing.users -= 1
    if standing.users:
        return
    del _STANDING[key]
    if vars(standing.owner).get(standing.name) is not standing.replacement:
        return  # somebody wrapped ours since: theirs stays, and ours below it only passes calls on
    if standing.inherited:
        delattr(standing.owner, standing.name)
    else:
        setattr(standing.owner, standing.name, standing.original)
