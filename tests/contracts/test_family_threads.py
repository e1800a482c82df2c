"""Every family on eight threads at once: no record is mixed, and nothing is kept when all is over."""

import gc
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genviz.capture import hooks, record
from tests.contracts.family_models import CASES, made, mlp, modules
from tests.contracts.family_world import as_before

THREADS, ROUNDS = 8, 6
# What to run with a thread's own number, and the entry that must hold it.
OWN: dict[str, tuple[Any, tuple[str, str]]] = {
    "decoder": (lambda n: ((torch.full((1, 3 + n % 4), n + 1),), {}), ("tok", "ids")),
    "encoder": (lambda n: ((torch.full((1, 3 + n % 4), n + 1),), {}), ("tok", "ids")),
    "gpt2": (lambda n: ((torch.full((1, 3 + n % 4), n + 1),), {}), ("wte", "ids")),
    "autoencoder": (lambda n: ((), {"x": torch.full((1 + n, 1, 8, 8), float(n))}), ("", "sample")),
    "perceptron": (lambda n: ((torch.full((1 + n, 4), float(n)),), {}), ("0", "input")),
}


@pytest.mark.parametrize("name", OWN)
def test_no_record_is_mixed(name: str) -> None:
    model, (inputs, where) = made(name), OWN[name]
    barrier = threading.Barrier(THREADS + 1, timeout=60)
    done = threading.Event()

    def bystander() -> int:
        """Runs the same model all the while, and raises in it: its own error must reach it."""
        barrier.wait()
        count = 0
        while not done.is_set():
            with suppress(TypeError):
                model("not a tensor")
                raise AssertionError
            count += 1
        return count

    def work(number: int) -> int:
        args, kwargs = inputs(number)
        given: Tensor = (*args, *kwargs.values())[0]
        barrier.wait()
        wrong = 0
        for _ in range(ROUNDS):
            with torch.no_grad(), record(model) as recording:
                model(*args, **kwargs)
            found = recording.entries(*where)
            wrong += len(found) != 1 or not np.array_equal(found[0].load(), given.numpy())
            wrong += any(entry.call for entry in recording.entries())
        return wrong

    with as_before(model), ThreadPoolExecutor(THREADS + 1) as pool:
        beside = pool.submit(bystander)
        try:
            mixed = sum(pool.map(work, range(THREADS)))
        finally:
            done.set()  # an error must end the test, not leave the bystander running for ever
        assert beside.result() > 0
    assert mixed == 0


@pytest.fixture(scope="module")
def libraries() -> None:
    """Models' libraries are loaded, and no garbage: what is looked through is what tests made."""
    for name in CASES:
        made(name)
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("end", ["normal", "interrupted", "still in a context"])
@pytest.mark.parametrize("name", CASES)
def test_a_model_and_its_tensors_are_let_go(name: str, end: str) -> None:
    import contextvars

    model = made(name)
    gc.collect()
    watched = [weakref.ref(module) for root in modules(model) for module in root.modules()]
    before = _tensors()
    capture = record(model)
    recording = capture.__enter__()
    context = contextvars.copy_context()
    last = next(m for m in reversed(list(modules(model)[-1].modules())) if not list(m.children()))
    if end == "interrupted":
        last.register_forward_hook(_interrupt)
    with suppress(KeyboardInterrupt):
        CASES[name].run(model)
    capture.__exit__(None, None, None)
    if end != "still in a context":
        del context
    del model, capture, last, recording
    gc.collect()
    assert [ref for ref in watched if ref() is not None] == []
    assert _tensors() <= before


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _tensors() -> int:
    return sum(issubclass(type(each), Tensor) for each in gc.get_objects())


def test_a_thousand_captures_grow_nothing() -> None:
    model, x = mlp(), torch.ones(2, 4)

    def once() -> None:
        with record(model):
            model(x).sum().backward()

    for _ in range(30):
        once()
    gc.collect()
    with as_before(model):
        tracemalloc.start()
        objects, (start, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
        for _ in range(1000):
            once()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - start
        tracemalloc.stop()
    assert len(gc.get_objects()) - objects < 200
    assert grown < 100_000
    assert not hooks._OPEN


def test_a_long_loop_keeps_one_gradient_per_step_and_no_handles() -> None:
    model = mlp()
    with record(model, kinds=["weight_gradient", "gradient"]) as recording:
        for _ in range(400):
            model(torch.ones(2, 4)).sum().backward()
        (attached,) = hooks._OPEN.values()
        assert len(attached.handles) < 600
    assert [entry.call for entry in recording.entries("0", "weight_gradient")] == list(range(400))
