"""Every family × every way out of the block: hook tables, functions and registries are as they were."""

import asyncio
import contextvars
import gc
import linecache
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import ExitStack, suppress
from types import FrameType
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from genviz.capture import hooks, record, stand_ins
from genviz.capture.families import FAMILIES, Family, Plan
from genviz.capture.modules import Network
from genviz.errors import CaptureError, RecordingError, TokenMismatch
from tests.capture.exits import EXITS
from tests.contracts.family_models import CASES, made, mlp, modules
from tests.contracts.family_world import as_before, changed, world

Run = Callable[[Any], Any]


class Boom(Exception):
    """Raised on purpose."""


class Refusing(Family):
    """Fails when it is asked what to capture."""

    name = "refusing"

    def recognise(self, network: Network) -> float:
        return 0.0

    def plan(self, network: Network) -> Plan:
        raise Boom


def by_return(model: Any, run: Run) -> None:
    def inner() -> int:
        with record(model):
            run(model)
            return 1

    assert inner() == 1


def by_break_and_continue(model: Any, run: Run) -> None:
    for number in range(3):
        with record(model):
            run(model)
            if number:
                break
            continue


def cancelled_task(model: Any, run: Run) -> None:
    async def captured() -> None:
        with record(model):
            run(model)
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(captured())
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())


def abandoned_async_generator(model: Any, run: Run) -> None:
    async def steps() -> AsyncIterator[int]:
        with record(model):
            run(model)
            yield 1

    async def main() -> None:
        generator = steps()
        await anext(generator)
        del generator
        gc.collect()

    asyncio.run(main())


def thrown_into_generator(model: Any, run: Run) -> None:
    def steps() -> Generator[int, None, None]:
        with record(model):
            run(model)
            yield 1

    generator = steps()
    next(generator)
    with pytest.raises(Boom):
        generator.throw(Boom())


def in_a_copied_context(model: Any, run: Run) -> None:
    """A callback that took the context along is not recorded any more when the block is over."""
    with record(model) as recording:
        context = contextvars.copy_context()
        context.run(run, model)
    before = len(recording)
    context.run(run, model)
    assert len(recording) == before > 0


def family_refuses(model: Any, run: Run) -> None:
    with pytest.raises(Boom), record(model, family=Refusing()):
        run(model)


def unwritable_target(model: Any, run: Run) -> None:
    with pytest.raises(RecordingError, match="cannot write a recording at /proc/no: "):
        record(model, to="/proc/no").__enter__()


def wrong_labels(model: Any, run: Run) -> None:
    with pytest.raises(CaptureError, match="takes one value per sample, got int"):
        record(model, labels={"class": 3})


def nested_on_another_model(model: Any, run: Run) -> None:
    other = mlp()
    outer, inner = record(model), record(other)
    one = outer.__enter__()
    two = inner.__enter__()
    run(model)
    outer.__exit__(None, None, None)
    seen = len(one), len(two)
    other(torch.ones(1, 4))
    run(model)
    inner.__exit__(None, None, None)
    assert (len(one), seen[1]) == (seen[0], 0)
    assert len(two) > 0


def closed_by_a_stack_with_an_error(model: Any, run: Run) -> None:
    def inner() -> None:
        with ExitStack() as stack:
            stack.enter_context(record(model))
            stack.enter_context(record(model))
            run(model)
            raise Boom

    with pytest.raises(Boom):
        inner()


MORE = (
    by_return, by_break_and_continue, cancelled_task, abandoned_async_generator, thrown_into_generator,
    in_a_copied_context, family_refuses, unwritable_target, wrong_labels, nested_on_another_model,
    closed_by_a_stack_with_an_error,
)  # fmt: skip
WAYS: dict[str, Callable[[Any, Run], None]] = {**EXITS, **{way.__name__: way for way in MORE}}


def test_every_family_is_among_the_cases() -> None:
    assert {case.family for case in CASES.values()} == {family.name for family in FAMILIES}


@pytest.mark.parametrize("name", CASES)
def test_a_family_recognises_its_own(name: str) -> None:
    with record(made(name)) as recording:
        CASES[name].run(made(name))
    assert recording.info["provenance"]["family"] == CASES[name].family


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_all_is_as_before(name: str, way: str) -> None:
    model = made(name)
    with as_before(model):
        WAYS[way](model, CASES[name].run)
    assert not hooks._OPEN
    assert not stand_ins.STANDING
    assert hooks.running() == ()


def test_the_photograph_shows_a_leak() -> None:
    model, original = made("decoder"), F.scaled_dot_product_attention
    before = world(model)
    with record(model):
        assert world(model) != before
    assert world(model) == before
    try:
        F.scaled_dot_product_attention = lambda *a, **k: original(*a, **k)
        assert world(model) != before
    finally:
        F.scaled_dot_product_attention = original


@pytest.mark.parametrize("place", range(1, 7))
def test_a_failure_at_any_replacement_undoes_those_before(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, install, count = made("gpt2"), stand_ins.install, [0]

    def failing(stand_in: hooks.StandIn, number: int) -> None:
        count[0] += 1
        if count[0] == place:
            raise Boom
        install(stand_in, number)

    with as_before(model):
        monkeypatch.setattr(stand_ins, "install", failing)
        with pytest.raises(Boom), record(model):
            pass
        monkeypatch.undo()
    assert count[0] == place


@pytest.mark.parametrize("moment", ["entering", "leaving"])
def test_ctrl_c_at_any_line_leaves_nothing(moment: str) -> None:
    """An interrupt is raised at every single line that puts hooks in place, or takes them away."""
    model, at, reached = mlp(), 0, True
    before = world(model)
    while reached:
        at += 1
        reached = _interrupted(model, at, moment)
        assert not changed(before, world(model)), at
        assert not hooks._OPEN
        assert not stand_ins.STANDING
        assert not hooks._LOCK._is_owned()  # type: ignore[attr-defined]
    assert at > 20


def _interrupted(model: Any, at: int, moment: str) -> bool:
    """Run one capture with an interrupt at the n-th line; False when there are fewer."""
    left = [at]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in (hooks.__file__, stand_ins.__file__):
            return None
        # CPython lets no signal in between taking a lock and the block that lets go of it
        locking = "with _LOCK" in linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        left[0] -= event == "line" and not locking
        if left[0] == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    capture = record(model, kinds=["attention"])
    try:
        if moment == "leaving":
            capture.__enter__()
        sys.settrace(trace)
        if moment == "entering":
            capture.__enter__()
        else:
            capture.__exit__(None, None, None)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    capture.__exit__(None, None, None)
    return False


@pytest.mark.parametrize("name", ["decoder", "gan", "recurrent"])
def test_other_peoples_hooks_survive_and_fire(name: str) -> None:
    model, seen = made(name), []
    first = next(m for m in modules(model)[0].modules() if not list(m.children()))
    handles = [
        first.register_forward_hook(lambda *_: seen.append("forward")),
        first.register_forward_pre_hook(lambda *_: seen.append("before")),
        first.register_full_backward_hook(lambda *_: seen.append("backward")),
        torch.nn.modules.module.register_module_forward_hook(lambda *_: seen.append("any")),
    ]
    for _ in range(2):
        seen.clear()
        with record(model), suppress(Boom):
            CASES[name].run(model)
            raise Boom
        assert {"forward", "before", "any"} <= set(seen)
    for handle in handles:
        handle.remove()


def test_tokens_that_do_not_fit_end_the_run_and_nothing_stays() -> None:
    model = made("decoder")
    with as_before(model), pytest.raises(TokenMismatch), record(model, tokens=["too", "few"]):
        CASES["decoder"].run(model)
    assert hooks.running() == ()
