"""Answers while they are written: one line of JSON per token, as soon as it is there."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, request

from dashboards.panels import subject_asked
from dashboards.stage import Stage
from genviz.errors import ControlError, EngineBusy, GenvizError, NotApplicable
from genviz.views import writing
from genviz.views.asking import follow
from genviz.views.controls import chosen
from genviz.views.next_distribution import next_distribution
from genviz.views.subject import Subject

MOST = 4  # answers that are followed at a time: each keeps a thread of the server busy
#: Seconds for an answer, waiting for its turn included; it ends by itself sooner (``generate(seconds=…)``).
DEADLINE = 300.0
_LOOK = 0.25  # seconds between two looks at the place in the queue


class Streams:
    """Answers on their way, by the name that the page gave them."""

    def __init__(self) -> None:
        self._calls: dict[str, Any] = {}
        self._lock = threading.Lock()

    def begin(self, subject: Subject, name: str, values: dict[str, Any]) -> Any:
        """Ask for an answer.

        Raises
        ------
        GenvizError
            When it cannot be written, or too many are.
        """
        if lacking := next_distribution.lacks(subject):
            raise NotApplicable(f"{subject.name!r} has no {' and no '.join(lacking)}, so it cannot write")
        known = {control.name for control in next_distribution.controls(subject)}
        given = {key: value for key, value in values.items() if key in known}
        told = chosen(next_distribution.controls(subject), given, next_distribution.name)
        with self._lock:
            if len(self._calls) >= MOST:
                raise EngineBusy(f"{MOST} answers are being written already: wait for one to end, or stop it")
            call = self._calls[name] = follow(subject, "generate", deadline=DEADLINE, **writing.asked(told))
        call.add_done_callback(lambda _: self._calls.pop(name, None))
        return call

    def lines(self, name: str, call: Any) -> Iterator[bytes]:
        """What is said of an answer, until it is over; when nobody reads any more it is cancelled."""
        try:
            before = -1
            for item in call.items(every=_LOOK):
                ahead = call.ahead()
                if ahead != before:
                    before = ahead
                    yield _line({"ahead": ahead})
                yield _line(item or {})  # an empty line tells whether somebody still reads
            yield _line({"done": call.result()})
        except GenvizError as error:
            yield _line({"error": str(error), "kind": type(error).__name__})
        finally:
            self.stop(name)

    def stop(self, name: str) -> bool:
        """Cancel an answer; whether there was one."""
        with self._lock:
            call = self._calls.pop(name, None)
        return call is not None and bool(call.cancel())


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=_plain).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in an answer")


def register(app: Dash, stage: Stage) -> None:
    """Register the two routes."""
    streams = Streams()

    @app.server.post("/answer")
    def answer() -> Response:
        try:
            asked = request.get_json(silent=True)
            if not isinstance(asked, dict) or not isinstance(asked.get("values"), dict):
                raise ControlError("the request describes no answer")
            name = str(asked.get("name"))[:64]
            call = streams.begin(subject_asked(stage, asked), name, asked["values"])
        except GenvizError as error:
            refused = _line({"error": str(error), "kind": type(error).__name__})
            return Response(refused, 422, mimetype="application/x-ndjson")
        lines = streams.lines(name, call)
        return Response(lines, mimetype="application/x-ndjson", headers={"X-Accel-Buffering": "no"})

    @app.server.post("/answer/stop")
    def stop() -> Response:
        asked = request.get_json(silent=True)
        name = str((asked if isinstance(asked, dict) else {}).get("name"))[:64]
        return Response(json.dumps({"stopped": streams.stop(name)}), mimetype="application/json")
