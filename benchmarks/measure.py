"""Measuring: pairs in one run, medians, and peak memory above a starting point."""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table: what, the figure, its target, and whether it holds (None: no target)."""

    what: str
    figure: str
    target: str = ""
    holds: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "holds", False: "MISSED", None: ""}[self.holds]
        return f"{self.what:<72}{self.figure:>22}  {self.target:<18}{verdict}"


def in_turn(
    actions: Mapping[str, Callable[[], object]], *, rounds: int, warm: int = 2
) -> dict[str, list[float]]:
    """Seconds of each action, run A B C A B C …, so that a change of the machine's speed meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(warm + rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if turn >= warm:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """Median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def peak_over(action: Callable[[], object]) -> int:
    """Bytes of resident memory at the peak of ``action`` above what was resident before it (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    kept = action()
    peak = _status("VmHWM")
    del kept
    return peak - before


def in_fresh_process(*arguments: str, python: str = sys.executable) -> str:
    """Last line that ``python arguments…`` prints."""
    # Large blocks go back to the system when freed, so peaks are the work's, not the allocator's.
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=offline)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]


def resident(pid: int) -> int:
    """Resident bytes of another process."""
    return _status("VmRSS", pid)


def _status(field: str, pid: int | str = "self") -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/{pid}/status has no {field}")
    return int(found.group(1)) * 1024
