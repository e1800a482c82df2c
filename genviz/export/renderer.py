"""One headless Chromium, owned by one thread, that draws figures one after another.

Callers from any thread put jobs in its queue and wait. Every step has a deadline, a browser that fails is
ended and started again for the next job, and one that nobody uses is closed.
"""

import asyncio
import atexit
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any, TypeVar

from genviz.errors import ExportError
from genviz.export.browser import require_browser

START_SECONDS = 60.0
CLOSE_SECONDS = 10.0
IDLE_SECONDS = 120.0
T = TypeVar("T")


class Tab:
    """The open page, as a job sees it: calls of the functions in ``page.js``, and printing."""

    def __init__(self, tab: Any, window: str, timeout: float) -> None:
        self._tab, self._window, self._timeout = tab, window, timeout

    async def call(self, name: str, spec: str = "null") -> str:
        """Result of ``genviz.<name>(spec)``.

        Raises
        ------
        ExportError
            When the function fails in the page, or takes longer than the job's timeout.
        """
        answer = await self._send(
            "Runtime.callFunctionOn",
            {
                "functionDeclaration": f"function (spec) {{ return genviz.{name}(spec); }}",
                "arguments": [{"value": spec}],
                "objectId": self._window,
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        if problem := answer.get("exceptionDetails"):
            raise ExportError(f"the figure cannot be drawn: {_first_line(problem)}")
        return str(answer["result"]["value"])

    async def print(self, size: tuple[float, float]) -> str:
        """What the page shows as PDF (base64), on sheets of this size in CSS pixels."""
        width, height = (side / 96 for side in size)
        margins = {f"margin{side}": 0 for side in ("Top", "Right", "Bottom", "Left")}
        paper = {"paperWidth": width, "paperHeight": height, "printBackground": True}
        return str((await self._send("Page.printToPDF", paper | margins))["data"])

    async def _send(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = await _within(self._timeout, self._tab.send_command(command, params))
        if "error" in answer:
            raise ExportError(f"the browser refused to draw: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result


Job = Callable[[Tab], Awaitable[T]]


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Result of some work, or TimeoutError.

    Unlike ``asyncio.wait_for`` it does not cancel: a command that is cancelled while it is being sent ends as
    another error. Who gets the TimeoutError ends the browser, and that ends the work.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise TimeoutError
    return task.result()


def _first_line(problem: dict[str, Any]) -> str:
    """What went wrong in the page, without the stack."""
    text = problem.get("exception", {}).get("description") or problem.get("text") or "unknown error"
    return str(text).splitlines()[0]


class Renderer:
    """Runs jobs on one page of one browser, in a thread of its own."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._browser: Any = None
        self._path: Path | None = None
        self._window = ""
        self._loop = asyncio.new_event_loop()
        self._queue: asyncio.Queue[tuple[Future[Any], Job[Any], Path, float] | None] = asyncio.Queue()
        self._thread = threading.Thread(target=self._main, name="genviz-renderer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether this process (not the one it was forked from) has the thread, and it runs."""
        return self._pid == os.getpid() and self._thread.is_alive()

    def run(self, job: Job[T], browser: Path, timeout: float) -> T:
        """Wait for a job to be done.

        Raises
        ------
        ExportError
            When drawing fails or takes longer than ``timeout`` seconds a step.
        """
        future: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, (future, job, browser, timeout))
        while True:
            try:
                return future.result(timeout=1.0)
            except NotYet:
                if not self.alive and not future.done():
                    raise ExportError("the thread that draws figures has ended; write again") from None
            except BaseException:
                future.cancel()  # Ctrl-C: nobody waits for the drawing any more
                raise

    def close(self) -> None:
        """End the browser and the thread."""
        if not self.alive:
            return
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)
        self._thread.join(CLOSE_SECONDS + 5)
        self._kill()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda _loop, _context: None)  # a browser that was ended complains
        self._loop.run_until_complete(self._work())

    async def _work(self) -> None:
        while True:
            try:
                item = await asyncio.wait_for(self._queue.get(), IDLE_SECONDS)
            except TimeoutError:
                await self._end()
                continue
            if item is None:
                break
            await self._answer(*item)
        await self._end()

    async def _answer(self, future: "Future[Any]", job: Job[Any], browser: Path, timeout: float) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(await self._attempt(job, browser, timeout))
        except BaseException as problem:
            future.set_exception(problem)

    async def _attempt(self, job: Job[Any], browser: Path, timeout: float) -> Any:
        """Run a job; once more when the browser had died since it was last used."""
        for last in (False, True):
            try:
                await self._start(browser)
                return await job(Tab(self._browser.get_tab(), self._window, timeout))
            except ExportError:
                raise
            except TimeoutError:
                await self._end(stuck=True)
                raise ExportError(
                    f"drawing took longer than {timeout:g} s and was stopped; give timeout= more seconds, "
                    "or fewer points"
                ) from None
            except (Exception, asyncio.CancelledError) as problem:
                await self._end(stuck=True)
                if last:
                    raise ExportError(f"Chromium ({browser}) failed: {problem!r}") from problem
        raise AssertionError("unreachable")

    async def _start(self, path: Path) -> None:
        if self._browser is not None and self._path == path and self._browser.subprocess.poll() is None:
            return
        await self._end()
        import kaleido

        from genviz.export.page import DrawingPage

        self._browser, self._path = kaleido.Kaleido(n=1, page_generator=DrawingPage(), path=path), path
        try:
            self._window = await _within(START_SECONDS, self._open())
        except TimeoutError:
            await self._end(stuck=True)
            raise ExportError(f"Chromium ({path}) did not start within {START_SECONDS:g} s") from None

    async def _open(self) -> str:
        """Start the browser with the drawing page; a handle of its ``window``."""
        await self._browser.open()
        # Handlers run last in, first out: the browser must end before its temporary folders are removed.
        atexit.unregister(close)
        atexit.register(close)
        answer = await self._browser.get_tab().send_command("Runtime.evaluate", {"expression": "window"})
        return str(answer["result"]["result"]["objectId"])

    async def _end(self, stuck: bool = False) -> None:
        if self._browser is None:
            return
        if stuck:
            self._kill()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await _within(CLOSE_SECONDS, self._browser.close())
        self._kill()
        self._browser = None

    def _kill(self) -> None:
        """End the browser and whatever processes of its own outlived it."""
        process = getattr(self._browser, "subprocess", None)
        if process is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)  # Kaleido starts it as the head of its own session
            else:
                process.kill()
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            process.wait(CLOSE_SECONDS)


_lock = threading.Lock()
_shared: Renderer | None = None


def run(job: Job[T], *, suffix: str, timeout: float) -> T:
    """Run a job in the process's one renderer, which is started when it is first needed.

    Raises
    ------
    MissingBrowser
        When no Chromium is found; checked before anything is started.
    ExportError
        When drawing fails or takes too long.
    """
    global _shared
    browser = require_browser(suffix)
    with _lock:
        if _shared is None or not _shared.alive:
            _shared = Renderer()
        renderer = _shared
    return renderer.run(job, browser, timeout)


def close() -> None:
    """End the browser; the next job starts one again."""
    global _shared
    with _lock:
        renderer, _shared = _shared, None
    if renderer is not None:
        renderer.close()


def spec(figure: dict[str, Any], size: tuple[float, float], scale: float = 1.0) -> str:
    """What the drawing functions of ``page.js`` take."""
    from plotly.io.json import to_json_plotly

    rest = json.dumps({"width": size[0], "height": size[1], "scale": scale})
    return f'{rest[:-1]}, "figure": {to_json_plotly(figure)}}}'
