"""A live model that a user wrote by hand, in a module that only the current path finds."""

import textwrap
from pathlib import Path

import pytest

TOYS = """
import os, sys, time
import numpy as np
from genviz.errors import NotCaptured
from genviz.live.progress import hand_over, report
from genviz.recording import Recording


class Toy:
    abilities = ("add", "echo", "fail", "refuse", "sleep", "work", "spin", "shout", "die", "record", "pid",
                 "modules", "strange", "read_input", "environment", "count", "count_then")

    def describe(self):
        return {"title": "Toy", "started": time.time()}

    def add(self, left, right):
        return left + right

    def echo(self, value):
        return value

    def fail(self, text):
        raise ZeroDivisionError(text)

    def refuse(self):
        raise NotCaptured("nothing was captured here")

    def sleep(self, seconds):
        time.sleep(seconds)
        return "slept"

    def work(self, seconds):
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            report((time.monotonic() - start) / seconds, "working")
            time.sleep(0.01)
        return "worked"

    def spin(self):
        while True:
            pass

    def shout(self):
        print("LOUD " * 100_000)
        os.write(1, b"raw bytes on the standard output")
        sys.stdout.flush()
        return "said"

    def die(self, code=3):
        sys.stderr.write("the last words\\n")
        sys.stderr.flush()
        os._exit(code)

    def record(self):
        recording = Recording(info={"title": "Toy", "tokens": [["a", "b"]]})
        recording.add("layers.0", "hidden", np.arange(8, dtype=np.float32).reshape(1, 2, 4))
        return recording

    def pid(self):
        return os.getpid()

    def modules(self):
        return sorted(sys.modules)

    def count(self, to, pause=0.0):
        for number in range(to):
            report(number / to, "counting")
            time.sleep(pause)
            hand_over({"number": number, "array": np.full(2, number, np.float32)})
        return to

    def count_then(self, to, then):
        self.count(to)
        return getattr(self, then)()

    def environment(self):
        return dict(os.environ)

    def strange(self):
        return object()

    def read_input(self):
        return sys.stdin.read()


def toy():
    return Toy()


def broken():
    raise ValueError("the weights do not fit")


def slow():
    time.sleep(3)
    return Toy()


def refused():
    raise NotCaptured("on purpose")
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module with live models, found through this process's own path."""
    (tmp_path / "genviz_test_toys.py").write_text(textwrap.dedent(TOYS))
    monkeypatch.syspath_prepend(tmp_path)
    return "genviz_test_toys"
