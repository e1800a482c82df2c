"""Maps that take long (UMAP): worked out by another process, while PCA is shown."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from genviz.errors import GenvizError
from genviz.views.subject import Subject

KEPT = 16  # finished maps that are kept


class NotYet(Exception):
    """The map is on its way; the text says how far."""


class Elsewhere:
    """Stands in for a projector: gives finished maps, raises NotYet for others.

    Parameters
    ----------
    maps : Maps
    patience : float
        Seconds to wait before NotYet.
    """

    def __init__(self, maps: "Maps", patience: float) -> None:
        self._maps, self._patience = maps, patience
        self.info: dict[str, Any] = {}
        self.abilities = ("project",)

    def call(self, _: str, /, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Give the parts of a projection."""
        if arguments["method"] == "pca":  # faster worked out here than sent
            from genviz.analysis.projection import project

            return project(**arguments).parts()
        return self._maps.get(arguments, self._patience)


class Maps:
    """Maps by what they are of; each is asked for once.

    Parameters
    ----------
    engine : callable
        Gives the projector's engine, started when a map is first asked for.
    """

    def __init__(self, engine: Callable[[], Any]) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._calls: OrderedDict[str, Any] = OrderedDict()

    def subject(self, subject: Subject, patience: float) -> Subject:
        """The same subject, whose maps come from here."""
        return replace(subject, projector=Elsewhere(self, patience))

    def get(self, arguments: dict[str, Any], patience: float) -> Any:
        """A finished map.

        Raises
        ------
        NotYet
            When it takes longer than ``patience`` seconds.
        GenvizError
            When it cannot be made; the next one who asks tries again.
        """
        key = _key(arguments)
        with self._lock:
            call = self._calls.get(key)
            if call is None:
                call = self._calls[key] = self._engine().submit("project", **arguments)
            self._calls.move_to_end(key)
            while len(self._calls) > KEPT:
                self._calls.popitem(last=False)[1].cancel()
        try:
            return call.result(patience)
        except TimeoutError:
            raise NotYet(_progress(call)) from None
        except GenvizError:
            with self._lock:
                self._calls.pop(key, None)
            raise


def _progress(call: Any) -> str:
    share, doing = call.progress
    return (
        f"{doing or 'starting the projector'} … {share:.0%}"
        if share
        else f"{doing or 'starting the projector'} …"
    )


def _key(arguments: dict[str, Any]) -> str:
    points = np.ascontiguousarray(arguments["points"])
    rest = sorted((name, value) for name, value in arguments.items() if name != "points")
    return hashlib.sha256(points.tobytes()).hexdigest() + repr((points.shape, rest))
