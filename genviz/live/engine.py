"""Engines: who runs a live model's abilities, and where."""

import logging
import threading
from typing import Any, Protocol

from genviz.errors import Cancelled, GenvizError, LiveError
from genviz.live.calls import CallQueue
from genviz.live.future import Call
from genviz.live.progress import listening

_LOG = logging.getLogger("genviz.live")


class Engine(Protocol):
    """Runs a live model: one call at a time, the others wait in a bounded queue."""

    @property
    def info(self) -> dict[str, Any]:
        """What the live model says of itself (``describe()``)."""
        ...

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of the calls that the live model answers."""
        ...

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Run an ability and wait for its result."""
        ...

    def submit(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Call:
        """Queue an ability and return its future at once."""
        ...

    def close(self) -> None:
        """Let go of the model; calls that wait end with an error."""
        ...


class InlineEngine:
    """Runs a live model in this process: for notebooks and tests.

    A running call can only be stopped where it reports its progress.

    Parameters
    ----------
    live : live model
        Or anything that :func:`genviz.live.wrap` understands.
    queue_limit : int
        How many submitted calls may wait.

    Examples
    --------
    >>> class Echo:
    ...     abilities = ("double",)
    ...     def describe(self):
    ...         return {"title": "Echo"}
    ...     def double(self, value):
    ...         return 2 * value
    >>> with InlineEngine(Echo()) as engine:
    ...     engine.call("double", value=21)
    42
    """

    def __init__(self, live: Any, *, queue_limit: int = 8) -> None:
        self._live = live if hasattr(live, "abilities") and hasattr(live, "describe") else _wrapped(live)
        self._one = threading.Lock()  # held while the model runs
        self._making = threading.Lock()
        self._queue_limit = queue_limit
        self._queue: CallQueue | None = None
        self._closed = False
        self._said: dict[str, Any] | None = None

    @property
    def info(self) -> dict[str, Any]:
        """What the live model says of itself; while it works, what it said last."""
        if self._said is None or not self._one.locked():
            with self._one:
                self._said = dict(self._live.describe())
        return dict(self._said)

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of the calls that the live model answers."""
        return tuple(self._live.abilities)

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Run an ability here, in the caller's thread.

        Raises
        ------
        LiveError
            When the model fails: type and message of its error, which is chained.
        DeadlineExceeded
            When it took longer than ``deadline`` seconds.
        """
        if self._closed:
            raise LiveError(f"cannot run {ability!r}: the engine is closed; make a new one")
        call = Call(ability, arguments, deadline)
        call.begin()
        self._run(call)
        return call.result()

    def submit(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Call:
        """Queue an ability; it runs in the engine's own thread."""
        with self._making:
            if self._queue is None and not self._closed:
                self._queue = CallQueue(self._run, self._queue_limit, "genviz-inline")
        if self._queue is None:
            raise LiveError(f"cannot run {ability!r}: the engine is closed; make a new one")
        return self._queue.put(Call(ability, arguments, deadline))

    def close(self) -> None:
        """Let go of the model."""
        self._closed = True
        if self._queue is not None:
            self._queue.refuse()
            self._queue.join()

    def __enter__(self) -> "InlineEngine":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, call: Call) -> None:
        def listener(fraction: float, text: str) -> None:
            call.progress = (float(fraction), text)
            if call.stop_asked.is_set():
                raise Cancelled(f"{call.ability!r} was cancelled")
            if call.late():
                raise call.lateness()

        try:
            with self._one, listening(listener, call.take):
                result = perform(self._live, call.ability, call.arguments)
        except Exception as error:
            call.settle(error=as_genviz_error(error))
            return
        if call.late():
            call.settle(error=call.lateness())
        call.settle(result)


def perform(live: Any, ability: str, arguments: dict[str, Any]) -> Any:
    """Call one ability of a live model.

    Raises
    ------
    LiveError
        When the model has no such ability, or not with these arguments.
    """
    if ability not in live.abilities:
        known = ", ".join(live.abilities) or "none"
        raise LiveError(f"no ability {ability!r}: this live model has {known}")
    return getattr(live, ability)(**arguments)


def as_genviz_error(error: BaseException) -> GenvizError:
    """Turn any error of a model into one of ours; its traceback goes to the log."""
    if isinstance(error, GenvizError):
        return error
    _LOG.error("a live model failed", exc_info=error)
    return _chained(LiveError(f"{type(error).__name__}: {error}"), error)


def _chained(error: GenvizError, cause: BaseException) -> GenvizError:
    error.__cause__ = cause
    return error


def _wrapped(thing: Any) -> Any:
    from genviz.live.wrapping import wrap

    return wrap(thing)
