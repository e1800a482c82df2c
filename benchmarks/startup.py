"""How fast the command line answers, and how soon and how lean the dashboard is there.

Run alone: `python -m benchmarks.startup`.
"""

import contextlib
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, in_turn, resident

GENVIZ = str(Path(sys.executable).with_name("genviz"))
PORT = 18650


def rows() -> Iterator[Row]:
    """`genviz --help` against an empty Python; `genviz demo` to its first page."""
    seconds = in_turn(
        {
            "help": lambda: subprocess.run([GENVIZ, "--help"], capture_output=True, check=True),
            "pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        },
        rounds=15,
    )
    help_, pass_ = statistics.median(seconds["help"]), statistics.median(seconds["pass"])
    limit = 3 * pass_ + 0.05
    yield Row(f"genviz --help (an empty Python: {pass_ * 1e3:.0f} ms)", f"{help_ * 1e3:.0f} ms",
              f"≤ {limit * 1e3:.0f} ms", help_ <= limit)  # fmt: skip
    first, memory = zip(*(demo() for _ in range(3)), strict=True)
    middle = statistics.median(first)
    yield Row("genviz demo: first page served after", f"{middle:.2f} s", "≤ 5 s", middle <= 5)
    most = max(memory)
    yield Row("genviz demo: web process resident, all models asked for", f"{most / 1e6:.0f} MB",
              "≤ 250 MB", most <= 250e6)  # fmt: skip


def demo() -> tuple[float, int]:
    """Seconds to the first page, and resident bytes of the web process half a minute later."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [GENVIZ, "demo", "--no-browser", "--port", str(PORT)], stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(f"http://127.0.0.1:{PORT}/"):
            if process.poll() is not None or time.perf_counter() - start > 60:
                raise RuntimeError("genviz demo served no page within a minute")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        _answers(f"http://127.0.0.1:{PORT}/_dash-layout")
        time.sleep(30)
        return seconds, resident(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    return False


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
