"""What takes long the first time is made ready behind the page: after its pictures, and if it has a use."""

import logging
import threading
from collections.abc import Callable

from genviz.views import VIEWS
from genviz.views.subject import Subject

PAUSE = 2.0  # seconds without a new picture, after which nobody is waiting for one
_LOG = logging.getLogger("dashboards")


class Preparing:
    """Begins what the views of a subject want prepared, once, when its first page has been drawn.

    Parameters
    ----------
    pause : float
        Seconds to wait for further pictures: each one that is drawn begins the wait anew.
    """

    def __init__(self, pause: float = PAUSE) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._wanted: dict[Callable[[], None], None] = {}
        self._begun: set[Callable[[], None]] = set()
        self._timer: threading.Timer | None = None
        self._closed = False

    def drawn(self, subject: Subject) -> None:
        """Hear that a picture of a subject was drawn."""
        wanted = [view.prepare for view in VIEWS if view.prepare is not None and not view.lacks(subject)]
        with self._lock:
            self._wanted.update(dict.fromkeys(each for each in wanted if each not in self._begun))
            if not self._wanted or self._closed:
                return
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._pause, self._begin)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _begin(self) -> None:
        with self._lock:
            wanted = [] if self._closed else [*self._wanted]
            self._begun.update(wanted)
            self._wanted.clear()
        for prepare in wanted:
            try:
                prepare()
            except Exception as error:  # whoever asks for the picture is told
                _LOG.warning("could not be prepared: %s", error)
