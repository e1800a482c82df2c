"""What a call hands over on its way, through both engines."""

import importlib
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from genviz.errors import Cancelled, EngineDied, NotCaptured
from genviz.live import InlineEngine, ProcessEngine
from genviz.live.progress import hand_over

AnyEngine = InlineEngine | ProcessEngine


@pytest.fixture(params=["inline", "process"])
def engine(request: pytest.FixtureRequest, toys: str) -> Iterator[AnyEngine]:
    made: AnyEngine
    if request.param == "inline":
        made = InlineEngine(importlib.import_module(toys).toy(), queue_limit=3)
    else:
        made = ProcessEngine(f"{toys}:toy", queue_limit=3)
        made.start().result(30)
    with made:
        yield made


def test_every_item_comes_in_order_and_then_the_result(engine: AnyEngine) -> None:
    call = engine.submit("count", to=200)
    items = list(call.items())
    assert [item["number"] for item in items] == list(range(200))
    assert items[7]["array"].tolist() == [7, 7]
    assert call.result(0) == 200


def test_items_come_while_the_call_runs(engine: AnyEngine) -> None:
    call = engine.submit("count", to=3, pause=0.3)
    assert next(call.items())["number"] == 0
    assert not call.done()


def test_an_error_comes_after_what_was_handed_over(engine: AnyEngine) -> None:
    call = engine.submit("count_then", to=3, then="refuse")
    found: list[Any] = []
    with pytest.raises(NotCaptured, match="nothing was captured here"):
        found.extend(call.items())
    assert [item["number"] for item in found] == [0, 1, 2]


def test_cancelling_ends_the_stream_within_one_item(engine: AnyEngine) -> None:
    call = engine.submit("count", to=1000, pause=0.02)
    stream = call.items()
    for _ in range(3):
        next(stream)
    assert call.cancel()
    later: list[Any] = []
    with pytest.raises(Cancelled):
        later.extend(stream)
    start = time.monotonic()
    assert engine.call("add", left=1, right=2) == 3, "the model is free again"
    assert time.monotonic() - start < 5, "all of it would take 20 s"
    assert len(later) <= 1


def test_a_reader_may_look_around_between_items(engine: AnyEngine) -> None:
    call = engine.submit("count", to=2, pause=0.2)
    items = list(call.items(every=0.02))
    assert [item["number"] for item in items if item is not None] == [0, 1]
    assert items.count(None) >= 5


def test_who_waits_knows_how_many_are_before(engine: AnyEngine) -> None:
    first, second, third = (engine.submit("count", to=1000, pause=0.01) for _ in range(3))
    next(first.items())
    assert (first.ahead(), second.ahead(), third.ahead()) == (0, 1, 2)
    second.cancel()
    assert third.ahead() == 1
    first.cancel()
    next(third.items())
    assert third.ahead() == 0
    third.cancel()


def test_what_was_handed_over_survives_the_death_of_the_process(toys: str) -> None:
    with ProcessEngine(f"{toys}:toy") as engine:
        found: list[Any] = []
        with pytest.raises(EngineDied, match="exit status 3"):
            found.extend(engine.submit("count_then", to=5, then="die").items())
        assert [item["number"] for item in found] == [0, 1, 2, 3, 4]
        assert engine.call("echo", value="again") == "again"


def test_without_an_engine_nobody_listens() -> None:
    for number in itertools.islice(itertools.count(), 3):
        hand_over(number)
