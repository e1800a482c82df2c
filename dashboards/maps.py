"""Pictures that wait for a map (UMAP): drawn behind the page, while the one with PCA is shown."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

KEPT = 8  # pictures that wait to be fetched


class Maps:
    """Drawings on their way, each begun once; the newest are kept until they are fetched."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="genviz-map")
        self._begun: OrderedDict[str, tuple[Future[Any], float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: dict[str, Any], draw: Callable[[], Any], patience: float) -> Any | None:
        """The picture, if it is there within some seconds; None while it is not.

        Parameters
        ----------
        request : dict
            What describes the picture.
        draw : callable
            Draws it; what it raises is raised here, once.
        patience : float
        """
        key = json.dumps({name: value for name, value in request.items() if name != "number"}, sort_keys=True)
        with self._lock:
            if key not in self._begun:
                self._begun[key] = self._threads.submit(draw), time.monotonic()
            while len(self._begun) > KEPT:
                self._begun.popitem(last=False)[1][0].cancel()
            drawing, _ = self._begun[key]
        try:
            found = drawing.result(patience)
        except TimeoutError:
            return None
        except BaseException:
            self._forget(key)
            raise
        self._forget(key)
        return found

    def waiting(self) -> float:
        """Seconds that the oldest one has been on its way."""
        with self._lock:
            return max((time.monotonic() - since for _, since in self._begun.values()), default=0.0)

    def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, key: str) -> None:
        with self._lock:
            self._begun.pop(key, None)
