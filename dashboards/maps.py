"""Pictures that take long (UMAP, long attention maps): drawn behind the page, while another stands in."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from genviz.errors import Cancelled
from genviz.live.progress import listening

KEPT = 8  # pictures that wait to be fetched
GIVEN_UP = 8.0  # seconds after which a picture that nobody asks for is no longer worked on


@dataclass
class _Drawing:
    """One picture on its way: when somebody last asked for it, and which pages want it."""

    since: float
    asked: float
    fraction: float = 0.0
    result: Future[Any] | None = None
    pages: set[tuple[str, str]] = field(default_factory=set)

    def heard(self, fraction: float, _: str) -> None:
        self.fraction = fraction
        if time.monotonic() - self.asked > GIVEN_UP:
            raise Cancelled("nobody waits for this picture any more")


class Maps:
    """Drawings on their way, each begun once; the newest are kept until they are fetched."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="genviz-map")
        self._begun: OrderedDict[str, _Drawing] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: dict[str, Any], draw: Callable[[], Any], patience: float) -> Any | None:
        """The picture, if it is there within some seconds; None while it is not.

        Parameters
        ----------
        request : dict
            What describes the picture; the ``page`` that asks for it no longer wants the one that it asked
            for before in the same view.
        draw : callable
            Draws it; what it raises is raised here, once. Where it reports how far it is
            (:func:`genviz.live.progress.report`), it is stopped when nobody has asked for it for a while.
        patience : float
        """
        key, now = _key(request), time.monotonic()
        with self._lock:
            self._supersede(key, request)
            if key not in self._begun:
                drawing = self._begun[key] = _Drawing(now, now)
                drawing.result = self._threads.submit(self._draw, key, drawing, draw)
            while len(self._begun) > KEPT:
                _cancel(self._begun.popitem(last=False)[1])
            drawing = self._begun[key]
            drawing.asked = now
            drawing.pages |= _page(request)
        assert drawing.result is not None
        try:
            found = drawing.result.result(patience)
        except TimeoutError:
            return None
        except BaseException:
            self._forget(key)
            raise
        self._forget(key)
        return found

    def waiting(self, request: dict[str, Any]) -> str:
        """How far a picture is: a share where it says so, else how long it has been on its way."""
        drawing = self._begun.get(_key(request))
        if drawing is None:
            return "about to begin"
        return f"{drawing.fraction:.0%}" if drawing.fraction else f"{time.monotonic() - drawing.since:.0f} s"

    def close(self) -> None:
        """Begin no more, and let go of what is on its way."""
        with self._lock:
            for drawing in self._begun.values():
                _cancel(drawing)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _supersede(self, key: str, request: dict[str, Any]) -> None:
        """Stop what this page wanted before, unless another page wants it too."""
        for other, drawing in list(self._begun.items()):
            if other != key and drawing.pages & _page(request):
                drawing.pages -= _page(request)
                if not drawing.pages and _cancel(drawing):
                    del self._begun[other]

    def _draw(self, key: str, drawing: _Drawing, draw: Callable[[], Any]) -> Any:
        with listening(drawing.heard):
            try:
                return draw()
            except Cancelled:
                self._forget(key)  # whoever asks again begins it anew
                raise

    def _forget(self, key: str) -> None:
        with self._lock:
            self._begun.pop(key, None)


def _key(request: dict[str, Any]) -> str:
    described = {name: value for name, value in request.items() if name not in ("number", "again", "page")}
    return json.dumps(described, sort_keys=True)


def _page(request: dict[str, Any]) -> set[tuple[str, str]]:
    """The page and view that ask; nobody in particular where the request does not say."""
    return {(str(request["page"]), str(request.get("view")))} if "page" in request else set()


def _cancel(drawing: _Drawing) -> bool:
    """Stop a drawing where it next says how far it is; tell whether it had not begun."""
    drawing.asked = float("-inf")
    return drawing.result is not None and drawing.result.cancel()
