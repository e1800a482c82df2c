"""An engine whose model lives in a process of its own; this one imports no torch."""

import atexit
import logging
import os
import queue
import sys
import threading
import time
import weakref
from concurrent.futures import wait
from typing import Any

import genviz.errors
from genviz.errors import Cancelled, EngineDied, GenvizError, LiveError
from genviz.live.calls import CallQueue
from genviz.live.child import Child
from genviz.live.future import Call
from genviz.live.progress import heard, report
from genviz.live.wire import pack, unpack

_LOG = logging.getLogger("genviz.live")
_OPEN: "weakref.WeakSet[ProcessEngine]" = weakref.WeakSet()


class ProcessEngine:
    """Runs a live model in a process of its own, which is started when it is first needed.

    Parameters
    ----------
    source : str
        What :func:`genviz.live.open_source` understands: a Hugging Face folder or hub name,
        ``package.module:callable``, ``"minilm"``, ``"projector"``.
    queue_limit : int
        How many calls may wait.
    threads : int, optional
        How many threads the model's libraries may use; default: half of the cores, at most four.
    start_timeout : float
        Seconds that building the model may take.
    grace : float
        Seconds that a cancelled call has to stop by itself before its process is ended.

    Examples
    --------
    >>> engine = ProcessEngine("sample_models.digits_vae:parts")     # doctest: +SKIP
    >>> engine.call("decode", codes=np.zeros((4, 8), np.float32), deadline=5.0).shape  # doctest: +SKIP
    (4, 1, 8, 8)
    """

    def __init__(
        self, source: str, *, queue_limit: int = 8, threads: int | None = None, start_timeout: float = 180.0,
        grace: float = 1.0,
    ) -> None:  # fmt: skip
        self.source = source
        self._threads = threads or max(1, min(4, (os.cpu_count() or 1) // 2))
        self._start_timeout, self._grace = start_timeout, grace
        self._child: Child | None = None
        self._info: dict[str, Any] = {}
        self._abilities: tuple[str, ...] = ()
        self._closed = False
        self._number = 0
        self._begun = False
        self._owner = CallQueue(self._run, queue_limit, f"genviz-engine-{source}")
        self._starting: Call | None = None
        self._start_lock = threading.Lock()
        _OPEN.add(self)

    # -- what callers use ------------------------------------------------------------------------

    @property
    def info(self) -> dict[str, Any]:
        """What the live model says of itself; the first time this waits until the model is there."""
        self._wait_for_start()
        return dict(self._info)

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of the calls that the live model answers; waits as ``info`` does."""
        self._wait_for_start()
        return self._abilities

    @property
    def pid(self) -> int | None:
        """Process id of the worker, or None while there is none."""
        child = self._child
        return None if child is None or child.process.poll() is not None else child.pid

    def start(self) -> Call:
        """Start the worker now, without waiting; the future ends when the model is there, or with why not."""
        with self._start_lock:
            if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
                self._starting = self._owner.put(Call("", {}, None))
            return self._starting

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Run an ability and wait for its result; whoever listens hears how far it is, and may cancel it.

        Raises
        ------
        LiveError
            Type and message of the model's own error (its traceback goes to the log). Errors of genviz
            come back as themselves.
        DeadlineExceeded
            After ``deadline`` seconds, waiting for its turn included; the process is ended.
        EngineDied
            When the process ended in mid-call.
        EngineBusy
            When too many calls are waiting.
        """
        call = self.submit(ability, deadline=deadline, **arguments)
        try:
            _pass_on(call)
            return call.result(call.remaining())
        except TimeoutError:
            call.settle(error=call.lateness())
            return call.result()
        except (KeyboardInterrupt, Cancelled):
            call.cancel()
            raise

    def submit(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Call:
        """Queue an ability and return its future at once; it has ``cancel()`` and ``progress``."""
        return self._owner.put(Call(ability, arguments, deadline))

    def close(self) -> None:
        """End the process; calls that wait or run end with an error. Closing twice is harmless."""
        self._closed = True
        self._owner.refuse()
        if self._child is not None:
            self._child.stop(patience=0.5)
        self._owner.join()
        if self._child is not None:  # one that was being started meanwhile
            self._child.stop()

    def __enter__(self) -> "ProcessEngine":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _wait_for_start(self) -> None:
        if not self._info:
            self.start().result()

    # -- the owner's thread ----------------------------------------------------------------------

    def _run(self, call: Call) -> None:
        child = self._ready_child(call)
        if call.done() or not call.ability:
            call.settle(None)
            return
        self._number += 1
        self._begun = False
        request = {"id": self._number, "ability": call.ability, "arguments": call.arguments}
        child.post(pack(request))
        self._await_reply(child, self._number, call)
        if child.process.poll() is None or self._closed:
            return
        if not call.done():  # it had died before it took the call, so nothing is done twice
            self._run(call)
        else:
            self._restart_quietly()

    def _ready_child(self, call: Call) -> Child:
        """Give the worker, started if need be; a call whose time ends meanwhile is told so at once."""
        if self._child is not None and self._child.process.poll() is None:
            return self._child
        child = self._child = self._spawn()
        ends = time.monotonic() + self._start_timeout
        while True:
            if call.late():  # the start goes on: the next call finds the model warm
                call.settle(error=call.lateness("was waiting for the model, which was still starting,"))
            message = self._receive(child, 0.05)
            if message is not None:
                return self._greeted(child, message)
            if self._closed or time.monotonic() > ends:
                child.stop()
                raise LiveError(
                    f"{self.source} was not ready after {self._start_timeout:g} s: "
                    "give start_timeout= more, or look at the log of 'genviz.live.worker'"
                )

    def _spawn(self) -> Child:
        child = Child(self._threads)
        child.post(pack({"source": self.source, "path": [entry for entry in sys.path if entry]}))
        return child

    def _greeted(self, child: Child, message: dict[str, Any]) -> Child:
        if "error" in message:
            child.stop(patience=0.5)
            raise _rebuilt(message["error"])
        if "died" in message:
            raise EngineDied(f"the process of {self.source} ended while it started: {message['died']}")
        self._info, self._abilities = message["info"], tuple(message["abilities"])
        return child

    def _await_reply(self, child: Child, number: int, call: Call) -> None:
        asked_to_stop: float | None = None
        while True:
            message = self._receive(child, 0.02 if call.stop_asked.is_set() else _poll(call))
            if message is not None and self._answer(message, number, call):
                return
            if call.late():
                call.settle(error=call.lateness())
                child.stop()
                return
            if call.stop_asked.is_set():
                if asked_to_stop is None:
                    asked_to_stop = time.monotonic()
                    child.post(pack({"cancel": number}))
                elif time.monotonic() - asked_to_stop > self._grace:
                    call.settle(error=Cancelled(f"{call.ability!r} was cancelled"))
                    child.stop()
                    return

    def _answer(self, message: dict[str, Any], number: int, call: Call) -> bool:
        """Take one message; whether it ended the call."""
        if "died" in message:
            if self._begun:
                call.settle(error=self._death(call, message["died"]))
            return True
        if message["id"] != number:
            return False
        if "item" in message:
            call.take(message["item"])
            return False
        if "progress" in message:
            self._begun = True
            call.progress = (message["progress"], message["text"])
            return False
        if "error" in message:
            call.settle(error=_rebuilt(message["error"]))
        else:
            call.settle(message["result"])
        return True

    def _death(self, call: Call, how: str) -> EngineDied:
        return EngineDied(
            f"the process of {self.source} ended while it ran {call.ability!r}: {how}; "
            "it is started again for the next call"
        )

    def _receive(self, child: Child, patience: float) -> dict[str, Any] | None:
        try:
            data = child.inbox.get(timeout=patience)
        except queue.Empty:
            if child.process.poll() is None or not child.inbox.empty():
                return None
            data = None  # a process that it left behind may hold the pipe open
        if data is None:
            return {"died": _obituary(child.stop(patience=0.5), child.last_words())}
        message: dict[str, Any] = unpack(data)
        return message

    def _restart_quietly(self) -> None:
        """Start again at once, so that the next call need not wait; it will hear of a failure itself."""
        try:
            self._ready_child(Call("", {}, None))
        except GenvizError as error:
            _LOG.warning("restart failed: %s", error)


def _pass_on(call: Call) -> None:
    """Say here how far a call is, until it is over or its time is."""
    while heard() and not (call.done() or call.late()):
        wait([call], _poll(call))
        report(*call.progress)


def _poll(call: Call) -> float:
    remaining = call.remaining()
    return 0.05 if remaining is None else max(0.001, min(0.05, remaining))


def _obituary(code: int, last_words: str) -> str:
    how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    return f"{how} ({last_words})" if last_words else how


def _rebuilt(error: dict[str, str]) -> GenvizError:
    """Make the worker's error again: ours by its class, any other as LiveError with type and message."""
    if error.get("traceback"):
        _LOG.error("a live model failed in its process\n%s", error["traceback"])
    kind = getattr(genviz.errors, error["class"], None)
    if isinstance(kind, type) and issubclass(kind, GenvizError):
        return kind(error["message"])
    return LiveError(f"{error['class']}: {error['message']}")


@atexit.register
def _close_all() -> None:
    for engine in list(_OPEN):
        engine.close()
