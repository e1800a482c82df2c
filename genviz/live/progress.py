"""How a long call says how far it is, hands over what it has made, and learns that nobody waits any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_LISTENER: ContextVar[Callable[[float, str], None] | None] = ContextVar("_LISTENER", default=None)
_TAKER: ContextVar[Callable[[Any], None] | None] = ContextVar("_TAKER", default=None)


def report(fraction: float, text: str = "") -> None:
    """Say how far the present call is; raises when it was cancelled or its time is over.

    Parameters
    ----------
    fraction : float
        From 0 to 1.
    text : str
        What is being done, in a few words.

    Raises
    ------
    Cancelled, DeadlineExceeded
        From the engine, when the call is to stop here.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener(fraction, text)


def heard() -> bool:
    """Whether anybody listens to what :func:`report` says here."""
    return _LISTENER.get() is not None


def hand_over(item: Any) -> None:
    """Give a part of the result to whoever follows the call (:meth:`genviz.live.future.Call.items`), at once.

    Parameters
    ----------
    item : Any
        Of a kind that results may be; none is dropped, and they keep their order.
    """
    taker = _TAKER.get()
    if taker is not None:
        taker(item)


@contextmanager
def listening(
    listener: Callable[[float, str], None], taker: Callable[[Any], None] | None = None
) -> Iterator[None]:
    """Hand every :func:`report` made inside to ``listener``, and every :func:`hand_over` to ``taker``."""
    tokens = _LISTENER.set(listener), _TAKER.set(taker)
    try:
        yield
    finally:
        _LISTENER.reset(tokens[0])
        _TAKER.reset(tokens[1])
