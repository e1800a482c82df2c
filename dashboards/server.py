"""Serving the dashboard: in this process, until Ctrl-C, or in a thread for notebooks."""

import contextlib
import errno
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from genviz.errors import ServeError
from genviz.views.subject import Subject

THREADS = 8
_TRIES = 50  # ports looked at when the one asked for is in use


class Server:
    """A dashboard that is being served.

    Parameters
    ----------
    served : waitress server
    url : str
        Its address, with the token when there is one.
    app : Dashboard
        What is served; its ``stage`` holds the subjects.
    """

    def __init__(self, served: Any, url: str, app: Any) -> None:
        self.url, self.stage, self._served, self._close = url, app.stage, served, app.close
        self._thread = threading.Thread(target=served.run, name="genviz-dashboard", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when the server has stopped."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Stop serving and end the models' processes; stopping twice is harmless."""
        self._served.close()
        self._served.task_dispatcher.shutdown()
        self._close()
        self._thread.join(2)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def start(
    subjects: Sequence[Subject],
    *,
    host: str = "127.0.0.1",
    port: int = 8050,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
    framed: bool = False,
) -> Server:
    """Serve in a thread; see :func:`serve` for the parameters.

    Returns
    -------
    Server
        With ``.url`` and ``.stop()``; also a context manager.

    Examples
    --------
    >>> with start([], port=0) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """
    from dashboards.security import Policy

    _few_heaps()
    policy = Policy(host, token, tuple(allowed_hosts), framed)
    taken = _listen(host, port)

    from waitress.server import create_server

    from dashboards.app import build

    app = build(subjects, policy=policy)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a drag of a slider queues, which is no news
    served = create_server(
        app.server, sockets=[taken], threads=THREADS, ident="genviz", clear_untrusted_proxy_headers=True
    )
    return Server(served, _url(host, taken.getsockname()[1], token), app)


def serve(
    subjects: Sequence[Subject],
    *,
    host: str = "127.0.0.1",
    port: int = 8050,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
    open_browser: bool = False,
) -> None:
    """Serve until Ctrl-C, and say where.

    Parameters
    ----------
    subjects : sequence of Subject
        What is on show; models are started behind the page, not before it.
    host : str
        Loopback by default. Another address needs ``token`` and ``allowed_hosts``.
    port : int
        When it is in use, the next free one is taken, and said.
    token : str, optional
        What everyone must bring (``?token=…`` once).
    allowed_hosts : sequence of str
        Host names to answer to, beside those of this machine.
    open_browser : bool
        Open the page in the default browser.

    Raises
    ------
    ServeError
        When it would be open to others unguarded, or cannot listen there.
    """
    server = start(subjects, host=host, port=port, token=token, allowed_hosts=allowed_hosts)
    chosen = int(server.url.split("?")[0].rstrip("/").rpartition(":")[2])
    if port not in (0, chosen):
        print(f"port {port} is in use; taking {chosen}", file=sys.stderr)
    print(f"genviz is at {server.url}   (Ctrl-C stops it)", flush=True)
    if open_browser and can_open_browser():
        threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
    try:
        server.wait()
    except KeyboardInterrupt:
        print("\nstopping …", file=sys.stderr)
    finally:
        server.stop()


def can_open_browser() -> bool:
    """Tell whether there is a screen to open a page on."""
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _few_heaps(most: int = 2) -> None:
    """Let threads share heaps: glibc gives each its own, which here costs 70 MB and saves no time."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another libc
            ctypes.CDLL(None).mallopt(-8, most)  # M_ARENA_MAX of malloc.h


def _listen(host: str, port: int) -> socket.socket:
    """Bind to the port asked for, or to the next free one; nobody can take it in between."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + _TRIES) if port else (0,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ServeError(f"cannot listen on {host}:{candidate}: {error.strerror or error}") from None
        except OverflowError:
            listener.close()
            break
        else:
            return listener
    raise ServeError(f"no free port for {host} from {port} to {port + _TRIES - 1}: give another with --port")


def _url(host: str, port: int, token: str | None) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host
    shown = f"[{shown}]" if ":" in shown and not shown.startswith("[") else shown
    return f"http://{shown}:{port}/" + (f"?token={quote(token)}" if token else "")
