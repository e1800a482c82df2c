"""The parent's side of a worker process: its pipes, its end, and what it said on stderr."""

import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

import genviz
from genviz.live.wire import receive, send

_LOG = logging.getLogger("genviz.live.worker")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class Child:
    """A running worker. Writing and reading have threads of their own, so that nobody waits on a full pipe.

    Parameters
    ----------
    threads : int
        How many threads the numerical libraries of the worker may use.
    """

    def __init__(self, threads: int) -> None:
        self.inbox: queue.Queue[bytes | None] = queue.Queue()
        self._outbox: queue.Queue[bytes | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=20)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "genviz.live.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=_environment(threads),
        )  # fmt: skip
        for target in (self._write, self._read, self._listen):
            threading.Thread(target=target, name=f"genviz-pipe-{self.process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self.process.pid

    def post(self, data: bytes) -> None:
        """Send one message without waiting for it to be read."""
        self._outbox.put(data)

    def last_words(self) -> str:
        """End of what the worker wrote to stderr, one line, for an error message."""
        return next((line for line in reversed(self._said) if line.strip()), "").strip()

    def stop(self, patience: float = 0.0) -> int:
        """End the worker: by closing its input when there is time, by a kill otherwise."""
        self._outbox.put(None)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self.process.wait()

    def _write(self) -> None:
        pipe = self.process.stdin
        assert pipe is not None
        try:
            while (data := self._outbox.get()) is not None:
                send(pipe, data)
            pipe.close()
        except (OSError, ValueError):
            pass  # the worker is gone; the reader tells

    def _read(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        with pipe:
            while (data := receive(pipe)) is not None:
                self.inbox.put(data)
        self.inbox.put(None)

    def _listen(self) -> None:
        pipe = self.process.stderr
        assert pipe is not None
        with pipe:
            for line in pipe:
                text = line.decode(errors="replace").rstrip()
                self._said.append(text)
                _LOG.info("%s", text)


def _environment(threads: int) -> dict[str, str]:
    here = str(Path(genviz.__file__).resolve().parent.parent)
    before = os.environ.get("PYTHONPATH", "")
    settings: dict[str, Any] = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    settings["PYTHONPATH"] = os.pathsep.join(part for part in (here, before) if part)
    settings["TOKENIZERS_PARALLELISM"] = "false"
    return {**os.environ, **settings}
