"""One suite over both engines: the same calls, the same answers."""

import importlib
import time
from collections.abc import Iterator
from concurrent.futures import wait

import numpy as np
import pytest

from genviz.errors import Cancelled, DeadlineExceeded, EngineBusy, LiveError, NotCaptured
from genviz.live import InlineEngine, ProcessEngine

AnyEngine = InlineEngine | ProcessEngine


@pytest.fixture(params=["inline", "process"])
def engine(request: pytest.FixtureRequest, toys: str) -> Iterator[AnyEngine]:
    made: AnyEngine
    if request.param == "inline":
        made = InlineEngine(importlib.import_module(toys).toy(), queue_limit=2)
    else:
        made = ProcessEngine(f"{toys}:toy", queue_limit=2)
        made.start().result(30)
    with made:
        yield made


def test_info_and_abilities(engine: AnyEngine) -> None:
    assert engine.info["title"] == "Toy"
    assert "add" in engine.abilities


def test_arrays_go_in_and_come_out(engine: AnyEngine) -> None:
    result = engine.call("add", left=np.arange(3, dtype=np.float32), right=np.float32(1))
    assert result.dtype == np.float32
    assert result.tolist() == [1, 2, 3]


def test_nested_values_keep_their_types(engine: AnyEngine) -> None:
    value = {"list": [1, 2.5, None, True, "ü"], "tuple": (1, 2), "array": np.zeros((0, 3), np.int64)}
    back = engine.call("echo", value=value)
    assert back["list"] == value["list"]
    assert back["tuple"] == (1, 2)
    assert back["array"].shape == (0, 3)


def test_a_recording_comes_back(engine: AnyEngine) -> None:
    recording = engine.call("record")
    assert recording.info["tokens"] == [["a", "b"]]
    assert recording["layers.0", "hidden"].values[0, 1].tolist() == [4, 5, 6, 7]


def test_an_error_of_ours_keeps_its_class(engine: AnyEngine) -> None:
    with pytest.raises(NotCaptured, match=r"^nothing was captured here$"):
        engine.call("refuse")


def test_any_other_error_is_named_without_its_traceback(
    engine: AnyEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LiveError, match=r"^ZeroDivisionError: by nothing$"):
        engine.call("fail", text="by nothing")
    assert "Traceback" in caplog.text
    assert engine.call("add", left=1, right=2) == 3


def test_an_unknown_ability_is_refused_with_those_there_are(engine: AnyEngine) -> None:
    with pytest.raises(LiveError, match=r"no ability '__class__': this live model has add, echo"):
        engine.call("__class__")


def test_wrong_arguments_are_named(engine: AnyEngine) -> None:
    with pytest.raises(LiveError, match=r"TypeError: .*missing 1 required positional argument: 'right'"):
        engine.call("add", left=1)


def test_calls_run_in_order_one_at_a_time(engine: AnyEngine) -> None:
    calls = [engine.submit("work", seconds=0.1)]
    calls += [engine.submit("echo", value=n) for n in range(2)]
    wait(calls, timeout=10)
    assert [call.result() for call in calls] == ["worked", 0, 1]


def test_progress_is_told(engine: AnyEngine) -> None:
    call = engine.submit("work", seconds=1.0)
    seen = set()
    while not call.done():
        seen.add(call.progress)
        time.sleep(0.02)
    fractions = [fraction for fraction, _ in seen]
    assert len(fractions) > 3
    assert all(0 <= fraction <= 1.1 for fraction in fractions)
    assert {text for _, text in seen} <= {"working", ""}


def test_the_queue_is_bounded(engine: AnyEngine) -> None:
    running = engine.submit("work", seconds=5)
    while not running.running():
        time.sleep(0.005)
    waiting = [engine.submit("echo", value=n) for n in range(2)]
    with pytest.raises(
        EngineBusy, match=r"cannot run 'echo' now: 2 calls are waiting for this model already, which"
    ):
        engine.submit("echo", value=3)
    waiting[0].cancel()
    waiting.append(engine.submit("echo", value=4))
    running.cancel()
    assert waiting[1].result(10) == 1
    assert waiting[2].result(10) == 4


def test_a_queued_call_that_is_cancelled_never_runs(engine: AnyEngine) -> None:
    running = engine.submit("work", seconds=0.3)
    queued = engine.submit("sleep", seconds=60)
    assert queued.cancel()
    assert queued.cancelled()
    with pytest.raises(Cancelled, match="'sleep' was cancelled"):
        queued.result()
    assert running.result(10) == "worked"
    assert engine.call("echo", value=1, deadline=5) == 1


def test_a_running_call_that_reports_stops_at_once(engine: AnyEngine) -> None:
    owner = engine.call("pid")
    call = engine.submit("work", seconds=30)
    while not call.progress[0]:
        time.sleep(0.01)
    assert call.cancel()
    assert engine.call("pid") == owner  # it stopped by itself; nobody was ended for it
    assert not call.cancel()


def test_the_deadline_ends_a_call(engine: AnyEngine) -> None:
    start = time.monotonic()
    with pytest.raises(
        DeadlineExceeded, match=r"'work' was still running after the 0.3 s it was given: ask for"
    ):
        engine.call("work", seconds=30, deadline=0.3)
    assert time.monotonic() - start < 10
    assert engine.call("echo", value=1) == 1


def test_a_closed_engine_refuses(engine: AnyEngine) -> None:
    engine.close()
    with pytest.raises(LiveError, match="cannot run 'echo': the engine is closed"):
        engine.call("echo", value=1)
    with pytest.raises(LiveError, match="the engine is closed"):
        engine.submit("echo", value=1)
    engine.close()


def test_closing_ends_what_waits(engine: AnyEngine) -> None:
    running = engine.submit("work", seconds=2)
    waiting = engine.submit("echo", value=1)
    while not running.progress[0]:
        time.sleep(0.01)
    engine.close()
    for call in (running, waiting):
        with pytest.raises(LiveError, match="was not finished: the engine was closed"):
            call.result(1)
