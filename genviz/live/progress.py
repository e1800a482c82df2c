"""How a long call says how far it is, and learns that nobody waits for it any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[float, str], None] | None] = ContextVar("_LISTENER", default=None)


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


@contextmanager
def listening(listener: Callable[[float, str], None]) -> Iterator[None]:
    """Hand every :func:`report` made inside to ``listener``."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
