"""``python -m genviz.live.worker``: owns one live model and answers calls on its pipes.

The first message says what to open; then each message is a call, answered in order. The process ends
when its input is closed, so it cannot outlive the one who started it.
"""

import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO

from genviz.errors import Cancelled, GenvizError
from genviz.live.engine import perform
from genviz.live.progress import listening
from genviz.live.wire import pack, receive, send, unpack

#: Seconds between two progress messages.
PROGRESS_EVERY = 0.05


class Worker:
    """Reads calls, runs them one at a time, writes answers.

    Parameters
    ----------
    requests, replies : binary file
    """

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests, self._replies = requests, replies
        self._calls: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled: set[int] = set()

    def serve(self) -> None:
        """Open what the first message names and answer calls; never returns in the normal course."""
        first = receive(self._requests)
        if first is None:
            return
        threading.Thread(target=self._read, daemon=True).start()
        live = self._open(unpack(first))
        while live is not None:
            request = self._calls.get()
            self._reply(
                {"id": request["id"], "progress": 0.0, "text": ""}
            )  # from here on it may have effects
            self._reply({"id": request["id"], **self._outcome(live, request)})

    def _open(self, order: dict[str, Any]) -> Any:
        sys.path.extend(entry for entry in order["path"] if entry not in sys.path)
        try:
            from genviz.live.sources import open_source

            live = open_source(order["source"])
            self._reply({"info": dict(live.describe()), "abilities": list(live.abilities)})
        except Exception as error:
            self._reply({"error": _described(error)})
            return None
        return live

    def _read(self) -> None:
        while (data := receive(self._requests)) is not None:
            message = unpack(data)
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            else:
                self._calls.put(message)
        os._exit(0)  # whoever asked is gone; the model may be in the middle of anything

    def _outcome(self, live: Any, request: dict[str, Any]) -> dict[str, Any]:
        try:
            listener = _Listener(self, request["id"], request["ability"])
            with listening(listener, listener.take):
                return {"result": perform(live, request["ability"], request["arguments"])}
        except Exception as error:
            return {"error": _described(error)}

    def _reply(self, message: dict[str, Any]) -> None:
        try:
            data = pack(message)
        except GenvizError as error:  # a result of a kind that cannot cross
            data = pack({"id": message.get("id"), "error": _described(error)})
        send(self._replies, data)


class _Listener:
    """Sends on what a call hands over, and its progress, not too often; stops one that was cancelled."""

    def __init__(self, worker: Worker, number: int, ability: str) -> None:
        self._worker, self._number, self._ability = worker, number, ability
        self._last = -PROGRESS_EVERY

    def take(self, item: Any) -> None:
        self._stop_if_cancelled()
        self._worker._reply({"id": self._number, "item": item})

    def _stop_if_cancelled(self) -> None:
        if self._number in self._worker._cancelled:
            raise Cancelled(f"{self._ability!r} was cancelled")

    def __call__(self, fraction: float, text: str) -> None:
        self._stop_if_cancelled()
        now = time.monotonic()
        if now - self._last >= PROGRESS_EVERY:
            self._last = now
            self._worker._reply({"id": self._number, "progress": float(fraction), "text": text})


def _described(error: Exception) -> dict[str, Any]:
    expected = isinstance(error, GenvizError)
    return {
        "class": type(error).__name__,
        "message": str(error),
        "traceback": None if expected else "".join(traceback.format_exception(error)),
    }


def main() -> None:
    """Take the pipes away from the model (its prints go to stderr) and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes our input
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    try:
        Worker(requests, replies).serve()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
