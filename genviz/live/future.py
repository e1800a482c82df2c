"""The result of a call that is still to come."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from genviz.errors import Cancelled, DeadlineExceeded

_END = object()


class Call(Future[Any]):
    """One call of a live model's ability, as a :class:`concurrent.futures.Future`.

    Unlike its base class it can also be cancelled while it runs, and ``result()`` then raises
    :class:`genviz.errors.Cancelled`.

    Parameters
    ----------
    ability : str
    arguments : dict
    deadline : float or None
        Seconds, counted from now.

    Examples
    --------
    >>> call = Call("encode", {}, None)
    >>> call.cancel(), call.cancelled()
    (True, True)
    """

    def __init__(self, ability: str, arguments: dict[str, Any], deadline: float | None) -> None:
        super().__init__()
        self.ability, self.arguments, self.deadline = ability, arguments, deadline
        self.progress: tuple[float, str] = (0.0, "")
        self.stop_asked = threading.Event()
        #: How many calls are before this one; 0 once it runs.
        self.ahead: Callable[[], int] = lambda: 0
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ends = None if deadline is None else time.monotonic() + deadline
        self._settling = threading.Lock()

    def cancel(self) -> bool:
        """Give up the call; False when it was over already."""
        self.stop_asked.set()
        return self.settle(error=Cancelled(f"{self.ability!r} was cancelled"))

    def cancelled(self) -> bool:
        """Whether the call ended by being cancelled."""
        return self.done() and isinstance(self.exception(), Cancelled)

    def begin(self) -> bool:
        """Mark the call as running; False when it is over already."""
        with self._settling:
            return not self.done() and self.set_running_or_notify_cancel()

    def settle(self, result: Any = None, error: BaseException | None = None) -> bool:
        """End the call with its result or error; the first to do so wins."""
        with self._settling:
            if self.done():
                return False
            self.set_result(result) if error is None else self.set_exception(error)
            self._items.put(_END)
            return True

    def take(self, item: Any) -> None:
        """Keep a part of the result that the call handed over on its way."""
        self._items.put(item)

    def items(self, every: float | None = None) -> Iterator[Any]:
        """What the call hands over, as it comes, until it is over; for one reader.

        Parameters
        ----------
        every : float, optional
            After so many seconds without anything new give None, for a reader that wants to look around.

        Raises
        ------
        GenvizError
            What ended the call, if it did not end well; after all that it handed over.
        """
        while True:
            try:
                item = self._items.get(timeout=every)
            except queue.Empty:
                yield None
                continue
            if item is _END:
                break
            yield item
        self.result()

    def remaining(self) -> float | None:
        """Seconds until the deadline (never negative), or None when there is none."""
        return None if self._ends is None else max(0.0, self._ends - time.monotonic())

    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.remaining() == 0.0

    def lateness(self, state: str = "was still running") -> DeadlineExceeded:
        """Build the error that says that the deadline has passed."""
        return DeadlineExceeded(
            f"{self.ability!r} {state} after the {self.deadline:g} s it was given: "
            "ask for less, or give it a longer deadline"
        )
