"""Every way out of a ``with record(...)`` block, for any model: each leaves all as it found it."""

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from torch import nn

from genviz.capture import hooks, record
from genviz.errors import CaptureError, UnknownSite

Run = Callable[[Any], Any]


class Boom(Exception):
    """Raised on purpose."""


def normal(model: Any, run: Run) -> None:
    with record(model):
        run(model)


def without_a_call(model: Any, run: Run) -> None:
    with record(model):
        pass


def exception_in_the_block(model: Any, run: Run) -> None:
    with suppress(Boom), record(model):
        run(model)
        raise Boom


def exception_in_forward(model: Any, run: Run) -> None:
    handle = _innermost(model).register_forward_pre_hook(_raise(Boom))
    try:
        with pytest.raises(Boom), record(model):
            run(model)
    finally:
        handle.remove()


def exception_in_a_callback(model: Any, run: Run) -> None:
    """Somebody's own hook raises; theirs is still there afterwards."""
    handle = _innermost(model).register_forward_hook(_raise(Boom))
    try:
        with pytest.raises(Boom), record(model):
            run(model)
        assert _innermost(model)._forward_hooks
    finally:
        handle.remove()


def half_way_through_attaching(model: Any, run: Run) -> None:
    def bad(original: Any) -> Any:
        raise Boom

    class Watcher:
        late = frozenset(list(_modules(model))[:2])

        before = after = attended = valued = unattended = lambda *_: None

    with pytest.raises(Boom):
        hooks.attach(Watcher(), [hooks.StandIn(nn.functional, "softmax", bad)])


def bad_site_name(model: Any, run: Run) -> None:
    with pytest.raises(UnknownSite), record(model, sites=["no.such.site"]):
        pass


def keyboard_interrupt_in_forward(model: Any, run: Run) -> None:
    def interrupt(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    handle = _innermost(model).register_forward_pre_hook(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), record(model):
            run(model)
    finally:
        handle.remove()


def interrupt_caught_inside(model: Any, run: Run) -> None:
    """The block goes on after an interrupt in mid-forward: the next run is recorded as ever."""
    handle = _innermost(model).register_forward_pre_hook(_raise(KeyboardInterrupt))
    with record(model) as recording:
        with suppress(KeyboardInterrupt):
            run(model)
        handle.remove()
        before = len(recording)
        run(model)
    assert len(recording) > before


def abandoned_generator(model: Any, run: Run) -> None:
    def captured() -> Iterator[int]:
        with record(model):
            run(model)
            yield 1

    steps = captured()
    next(steps)
    del steps
    gc.collect()


def abandoned_in_another_thread(model: Any, run: Run) -> None:
    def captured() -> Iterator[int]:
        with record(model):
            run(model)
            yield 1

    steps = [captured()]
    next(steps[0])
    thread = threading.Thread(target=steps.clear)
    thread.start()
    thread.join()
    gc.collect()


def nested(model: Any, run: Run) -> None:
    with record(model) as outer:
        with record(model) as inner:
            run(model)
        run(model)
    assert len(outer) > len(inner) > 0


def out_of_order(model: Any, run: Run) -> None:
    first, second = record(model), record(model)
    one, two = first.__enter__(), second.__enter__()
    run(model)
    first.__exit__(None, None, None)
    before = len(one)
    run(model)
    second.__exit__(None, None, None)
    assert len(one) == before < len(two)


def entered_twice(model: Any, run: Run) -> None:
    capture = record(model)
    with capture, pytest.raises(CaptureError, match="entered before"):
        capture.__enter__()


def with_others_hooks(model: Any, run: Run) -> None:
    """Hooks that others add and remove meanwhile are theirs."""
    seen: list[int] = []
    with ExitStack() as stack:
        mine = _innermost(model).register_forward_hook(lambda *_: seen.append(1))
        stack.callback(mine.remove)
        with record(model):
            added = _innermost(model).register_forward_hook(lambda *_: seen.append(2))
            run(model)
        assert mine.id in _innermost(model)._forward_hooks
        assert added.id in _innermost(model)._forward_hooks
        added.remove()
    assert set(seen) == {1, 2}


EXITS = {
    function.__name__: function
    for function in (
        normal, without_a_call, exception_in_the_block, exception_in_forward, exception_in_a_callback,
        half_way_through_attaching, bad_site_name, keyboard_interrupt_in_forward, interrupt_caught_inside,
        abandoned_generator, abandoned_in_another_thread, nested, out_of_order, entered_twice,
        with_others_hooks,
    )
}  # fmt: skip


def _modules(model: Any) -> Iterator[nn.Module]:
    for root in model.values() if isinstance(model, dict) else [model]:
        yield from root.modules()


def _innermost(model: Any) -> nn.Module:
    """A module that is sure to run: the first without parts (PyTorch's attention never calls its own).

    Of modules that are tied, one may be idle.
    """
    uncalled = nn.modules.linear.NonDynamicallyQuantizableLinear
    leaves = [module for module in _modules(model) if not list(module.children())]
    owned = [id(parameter) for module in leaves for parameter in module.parameters()]
    tied = {each for each in owned if owned.count(each) > 1}
    return next(
        module
        for module in leaves
        if not isinstance(module, uncalled) and not tied & {id(each) for each in module.parameters()}
    )


def _raise(error: type[BaseException]) -> Callable[..., None]:
    def hook(*_: Any) -> None:
        raise error

    return hook
