"""What only a model in another process can do: die, be killed, print, be left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from genviz.errors import Cancelled, DeadlineExceeded, EngineDied, LiveError, NotCaptured
from genviz.live import ProcessEngine
from genviz.live.progress import listening

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.fixture
def engine(toys: str) -> Iterator[ProcessEngine]:
    with ProcessEngine(f"{toys}:toy") as made:
        yield made


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def gone_within(pid: int, seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_nothing_starts_before_it_is_needed(engine: ProcessEngine) -> None:
    assert engine.pid is None
    assert engine.call("pid") == engine.pid
    assert engine.pid != os.getpid()


def test_whoever_listens_hears_how_far_a_call_is_and_stops_it(engine: ProcessEngine) -> None:
    heard: list[float] = []
    with listening(lambda fraction, _: heard.append(fraction)):
        assert engine.call("work", seconds=0.5) == "worked"
    assert heard == sorted(heard)
    assert max(heard) > 0.4

    def enough(fraction: float, _: str) -> None:
        if fraction > 0.02:
            raise Cancelled("nobody waits any more")

    first, begun = engine.pid, time.monotonic()
    with listening(enough), pytest.raises(Cancelled, match="nobody waits any more"):
        engine.call("work", seconds=20)
    assert engine.call("pid") == first  # it stopped by itself
    assert time.monotonic() - begun < 10


def test_kill_in_mid_call(engine: ProcessEngine) -> None:
    first = engine.call("pid")
    call = engine.submit("sleep", seconds=60)
    while not call.running():
        time.sleep(0.005)
    time.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(EngineDied, match=r"ended while it ran 'sleep': killed by signal 9.*started again"):
        call.result(5)
    assert engine.call("echo", value="again") == "again"
    assert engine.call("pid") != first


def test_twenty_kills_at_any_moment(engine: ProcessEngine) -> None:
    for round_number in range(20):
        pid = engine.call("pid")
        call = engine.submit("work", seconds=0.2)
        time.sleep(0.01 * round_number)
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(EngineDied):
            assert call.result(20) == "worked"
        assert engine.call("add", left=round_number, right=1) == round_number + 1


def test_death_while_nobody_asks(engine: ProcessEngine) -> None:
    pid = engine.call("pid")
    os.kill(pid, signal.SIGKILL)
    assert gone_within(pid, 10)
    assert engine.call("echo", value=1) == 1


def test_exit_tells_status_and_last_words(engine: ProcessEngine) -> None:
    with pytest.raises(EngineDied, match=r"exit status 7 \(the last words\)"):
        engine.call("die", code=7)
    assert engine.call("echo", value=1) == 1


def test_the_deadline_ends_a_model_that_reports_nothing(engine: ProcessEngine) -> None:
    pid = engine.call("pid")
    with pytest.raises(DeadlineExceeded, match=r"'spin' was still running after the 0.2 s"):
        engine.call("spin", deadline=0.2)
    assert engine.call("pid") != pid
    assert gone_within(pid, 10)


def test_a_frozen_worker_is_ended_too(engine: ProcessEngine) -> None:
    pid = engine.call("pid")
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(DeadlineExceeded):
        engine.call("echo", value="x" * 10_000_000, deadline=0.3)
    assert engine.call("echo", value=1) == 1
    assert gone_within(pid, 10)


def test_cancelling_a_model_that_does_not_listen_restarts_it(engine: ProcessEngine) -> None:
    pid = engine.call("pid")
    call = engine.submit("spin")
    while not call.running():
        time.sleep(0.005)
    assert call.cancel()
    with pytest.raises(Cancelled, match="'spin' was cancelled"):
        call.result(0)
    assert engine.call("pid") != pid
    assert gone_within(pid, 10)


def test_prints_do_not_disturb_the_frames(engine: ProcessEngine) -> None:
    assert engine.call("shout") == "said"
    assert engine.call("echo", value=1) == 1


def test_the_models_input_is_empty(engine: ProcessEngine) -> None:
    assert engine.call("read_input", deadline=10) == ""


def test_a_result_that_cannot_cross_is_an_error(engine: ProcessEngine) -> None:
    with pytest.raises(LiveError, match=r"is a builtins\.object, which cannot be sent"):
        engine.call("strange")
    with pytest.raises(LiveError, match=r"is a builtins\.object, which cannot be sent"):
        engine.call("echo", value=object())
    assert engine.call("echo", value=1) == 1


def test_a_source_that_fails_says_why_each_time(toys: str) -> None:
    with ProcessEngine(f"{toys}:broken") as engine:
        for _ in range(2):
            with pytest.raises(LiveError, match=r"^ValueError: the weights do not fit$"):
                engine.call("echo", value=1)
        with pytest.raises(LiveError, match="the weights do not fit"):
            _ = engine.info
    with ProcessEngine(f"{toys}:refused") as engine, pytest.raises(NotCaptured, match="on purpose"):
        engine.start().result(30)


def test_a_source_that_is_not_there() -> None:
    with (
        ProcessEngine("genviz_no_such_module:parts") as engine,
        pytest.raises(LiveError, match="no module 'genviz_no_such_module' on the path"),
    ):
        _ = engine.info


def test_a_slow_start_is_not_killed_by_a_short_deadline(toys: str) -> None:
    with ProcessEngine(f"{toys}:slow") as engine:
        with pytest.raises(DeadlineExceeded, match="still starting"):
            engine.submit("echo", value=1, deadline=0.2).result(10)
        assert engine.call("echo", value=2, deadline=20) == 2


def test_a_start_that_takes_too_long_is_given_up(toys: str) -> None:
    with (
        ProcessEngine(f"{toys}:slow", start_timeout=0.5) as engine,
        pytest.raises(LiveError, match=r"was not ready after 0.5 s: give start_timeout= more"),
    ):
        engine.call("echo", value=1)


def test_close_leaves_no_process(toys: str) -> None:
    engine = ProcessEngine(f"{toys}:toy")
    pid = engine.call("pid")
    engine.submit("spin")
    time.sleep(0.1)
    start = time.monotonic()
    engine.close()
    assert time.monotonic() - start < 8
    assert gone_within(pid, 10)


PARENT = """
    import sys, time
    from genviz.live import ProcessEngine
    engine = ProcessEngine(sys.argv[1])
    print(engine.call("pid"), flush=True)
    call = engine.submit("spin")
    time.sleep(0.3)
    print("torch" in sys.modules, flush=True)
    {end}
"""


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "raise ValueError", "import os; os._exit(1)", "time.sleep(60)"]
)
def test_no_orphan_however_the_parent_ends(toys: str, tmp_path: Path, end: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(tmp_path)])}
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT).format(end=end), f"{toys}:toy"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip
    assert parent.stdout is not None
    with parent, parent.stdout:
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "False\n", "the parent imported torch"
        assert alive(pid)
        if "sleep" in end:
            parent.kill()
        parent.wait(15)
    assert gone_within(pid, 10)


def test_a_model_without_torch_runs_without_torch(engine: ProcessEngine) -> None:
    assert "torch" not in engine.call("modules")


def test_many_threads_get_their_own_answers(toys: str) -> None:
    wrong: list[tuple[int, int]] = []

    def ask(engine: ProcessEngine, number: int) -> None:
        for each in range(40):
            if engine.call("add", left=number * 1000, right=each) != number * 1000 + each:
                wrong.append((number, each))

    with ProcessEngine(f"{toys}:toy", queue_limit=16) as engine:
        threads = [threading.Thread(target=ask, args=(engine, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not wrong


def test_threads_of_the_models_libraries_are_limited(toys: str) -> None:
    with ProcessEngine(f"{toys}:toy", threads=3) as engine:
        assert engine.call("environment")["OMP_NUM_THREADS"] == "3"


def test_names_are_what_they_say_in_any_order_of_import() -> None:
    program = """
        import genviz.live.engine, genviz.live.process, genviz.live.wrapping, genviz.live.sources
        import sys
        from genviz.live import InlineEngine, ProcessEngine, open_source, wrap
        assert all(map(callable, (InlineEngine, ProcessEngine, open_source, wrap)))
        assert not {"torch", "umap", "sklearn", "dash", "plotly"} & set(sys.modules), sorted(sys.modules)
        from genviz.live import Autoencoder
        assert "torch" in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
