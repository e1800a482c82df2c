"""The process that serves: it says where it is, stays light, and ends cleanly."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
SERVE = """
import sys
sys.path.insert(0, {root!r})
from dashboards.server import serve
from tests.dashboards.subjects import without_torch
serve(without_torch(), port=0)
"""
VIEWS = ("/_dash-layout", "/assets/frame.css", "/look.css", "/fonts/inter-latin-400-normal.woff2")
DRAWN = {
    "reader": "attention_heads",
    "dots": "latent_map",
    "game": "samples_by_score",
    "houses": "weighted_sum",
}


def served() -> tuple["subprocess.Popen[str]", str]:
    """A dashboard in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE.format(root=str(ROOT))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"genviz is at (http://127\.0\.0\.1:\d+/)", line)
    assert found, line
    return process, found[1]


def test_it_says_where_it_is_and_ctrl_c_ends_it() -> None:
    process, url = served()
    try:
        assert requests.get(url, timeout=20).status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopping" in errors
    assert "Traceback" not in errors


def test_it_stays_light_while_it_draws() -> None:
    process, url = served()
    try:
        for path in VIEWS:
            assert requests.get(url.rstrip("/") + path, timeout=20).status_code == 200
        for subject, view in DRAWN.items():
            drawn = requests.post(url + "slides/figure", json={"subject": subject, "view": view}, timeout=60)
            assert drawn.status_code == 200
        maps = Path(f"/proc/{process.pid}/maps")
        if maps.is_file():  # Linux
            assert "libtorch" not in maps.read_text(), "the web process imports no torch"
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1e3  # type: ignore[index]
            assert resident <= 250, f"{resident:.0f} MB"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
