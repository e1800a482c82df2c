"""One thread that owns a model, and the bounded queue of calls before it."""

import threading
from collections import deque
from collections.abc import Callable

from genviz.errors import EngineBusy, LiveError
from genviz.live.future import Call


class CallQueue:
    """Runs calls one after the other, in the order in which they came.

    Parameters
    ----------
    run : callable
        Runs one call and settles it; called in the owner's thread only.
    limit : int
        How many calls may wait behind the one that runs.
    name : str
        Of the owner's thread.
    """

    def __init__(self, run: Callable[[Call], None], limit: int, name: str) -> None:
        self._run, self.limit = run, limit
        self._waiting: deque[Call] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._running: Call | None = None
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def put(self, call: Call) -> Call:
        """Queue a call.

        Raises
        ------
        EngineBusy
            When ``limit`` calls are waiting already.
        LiveError
            When the engine is closed.
        """
        with self._changed:
            if self._closed:
                raise LiveError(f"cannot run {call.ability!r}: the engine is closed; make a new one")
            self._drop_settled()
            if len(self._waiting) + (self._running is not None) > self.limit:
                raise EngineBusy(
                    f"cannot run {call.ability!r} now: {self.limit} calls are waiting for this model "
                    "already, which is the limit; wait for one to end or cancel it"
                )
            call.ahead = lambda: self._before(call)
            self._waiting.append(call)
            self._changed.notify()
        return call

    def refuse(self) -> None:
        """Refuse further calls, and end those that wait or run."""
        with self._changed:
            self._closed = True
            ended = [*self._waiting, *([self._running] if self._running else [])]
            self._waiting.clear()
            self._changed.notify_all()
        for call in ended:
            call.stop_asked.set()
            call.settle(error=LiveError(f"{call.ability!r} was not finished: the engine was closed"))

    def join(self, timeout: float = 5.0) -> None:
        """Wait for the owner's thread to leave its last call."""
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _before(self, call: Call) -> int:
        """How many calls have to end before a waiting one begins."""
        with self._changed:
            waiting = [each for each in self._waiting if each is call or not each.done()]
            return waiting.index(call) + (self._running is not None) if call in waiting else 0

    def _drop_settled(self) -> None:
        """A cancelled call, or one whose time is over, must not keep a place in the queue."""
        kept = [call for call in self._waiting if not call.done()]
        self._waiting = deque(kept)

    def _serve(self) -> None:
        while (call := self._next()) is not None:
            try:
                if call.late():
                    call.settle(error=call.lateness("was still waiting for its turn"))
                elif call.begin():
                    self._run(call)
            except BaseException as error:  # the owner must survive whatever a call does
                call.settle(error=error)
            finally:
                with self._changed:
                    self._running = None

    def _next(self) -> Call | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._running = None if self._closed else self._waiting.popleft()
            return self._running
