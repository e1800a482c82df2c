import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

import genviz
from genviz.errors import ExportError, MissingBrowser
from genviz.export import renderer
from genviz.export.browser import find_browser

WITHOUT = (".html", ".json", ".csv")


def gone(pid: int, seconds: float = 15.0) -> bool:
    """Whether a process ends within some seconds (a zombie has ended)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def browser_pid() -> int:
    assert renderer._shared is not None
    return int(renderer._shared._browser.subprocess.pid)


def test_missing_browser(figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for suffix in (".png", ".svg", ".pdf", ".pptx"):
        with pytest.raises(MissingBrowser) as caught:
            genviz.write(figure, tmp_path / f"a{suffix}")
    assert str(caught.value) == (
        ".png needs Chromium to draw figures, and none of chromium, chromium-browser, google-chrome, "
        "google-chrome-stable, chrome, microsoft-edge, brave-browser is on PATH. Install it (Debian, Ubuntu: "
        "apt-get install chromium) or set BROWSER_PATH to its program. .html, .json and .csv work without it."
    )
    assert not list(tmp_path.iterdir())
    for suffix in WITHOUT:
        assert genviz.write(figure, tmp_path / f"a{suffix}").stat().st_size > 0


def test_browser_path_that_is_no_program(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(
        MissingBrowser, match=r"and BROWSER_PATH=/nowhere/chromium is not a program\. Install"
    ):
        genviz.write(figure, tmp_path / "a.svg")


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_browser_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = program(tmp_path / "mine", "exit 1")
    monkeypatch.setenv("BROWSER_PATH", str(mine))
    assert find_browser() == mine
    monkeypatch.delenv("BROWSER_PATH")
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "google-chrome", "exit 1")
    assert find_browser() == tmp_path / "google-chrome"
    program(tmp_path / "chromium", "exit 1")
    assert find_browser() == tmp_path / "chromium"


@pytest.mark.parametrize("does", ["exec sleep 60", "exit 3"])
def test_a_browser_that_never_answers(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    monkeypatch.setattr(renderer, "START_SECONDS", 1.0)
    monkeypatch.setattr(renderer, "CLOSE_SECONDS", 2.0)
    monkeypatch.setenv("BROWSER_PATH", str(program(tmp_path / "chromium", does)))
    started = time.monotonic()
    with pytest.raises(ExportError, match=r"Chromium \(.*/chromium\) (failed|did not start)"):
        genviz.write(figure, tmp_path / "a.png")
    assert time.monotonic() - started < 20
    assert [path.name for path in tmp_path.iterdir()] == ["chromium"]


@pytest.mark.browser
def test_a_drawing_that_takes_too_long_is_stopped_and_the_next_one_works(
    figure: go.Figure, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    slow = go.Figure(go.Scatter(x=rng.random(30_000), y=rng.random(30_000), mode="markers"))
    with pytest.raises(ExportError) as caught:
        genviz.write(slow, tmp_path / "a.svg", timeout=0.05)
    assert str(caught.value) == (
        "drawing took longer than 0.05 s and was stopped; give timeout= more seconds, or fewer points"
    )
    assert not list(tmp_path.iterdir())
    assert genviz.write(figure, tmp_path / "b.svg").exists()


@pytest.mark.browser
def test_a_browser_that_died_is_started_again(figure: go.Figure, tmp_path: Path) -> None:
    genviz.write(figure, tmp_path / "a.svg")
    first = browser_pid()
    os.killpg(first, signal.SIGKILL)
    assert gone(first)
    genviz.write(figure, tmp_path / "b.svg")
    assert browser_pid() != first


@pytest.mark.browser
def test_a_page_that_fails_says_why(figure: go.Figure, tmp_path: Path) -> None:
    async def wrong(tab: renderer.Tab) -> str:
        return await tab.call("nothing")

    with pytest.raises(
        ExportError, match=r"^the figure cannot be drawn: TypeError: genviz\.nothing is not a"
    ):
        renderer.run(wrong, suffix=".png", timeout=10)
    assert genviz.write(figure, tmp_path / "a.svg").exists()


@pytest.mark.browser
def test_a_browser_that_nobody_uses_is_closed(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer.close()
    monkeypatch.setattr(renderer, "IDLE_SECONDS", 0.3)
    genviz.write(figure, tmp_path / "a.svg")
    assert gone(browser_pid())
    assert genviz.write(figure, tmp_path / "b.svg").exists()
    renderer.close()


SCRIPT = """
import os, signal, sys
import plotly.graph_objects as go
import genviz
from genviz.export import renderer
genviz.write(go.Figure(go.Bar(y=[1, 2])), sys.argv[1])
print(renderer._shared._browser.subprocess.pid, flush=True)
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.browser
@pytest.mark.parametrize("way", ["exit", "kill"])
def test_no_browser_is_left_behind(tmp_path: Path, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "a.png"), way],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == (0 if way == "exit" else -signal.SIGKILL), done.stderr
    assert done.stderr == ""
    assert gone(int(done.stdout))


def solid(red: int, green: int, blue: int, word: str) -> go.Figure:
    colour = f"rgb({red},{green},{blue})"
    return go.Figure(
        layout={"paper_bgcolor": colour, "plot_bgcolor": colour, "title": word, "width": 120, "height": 90}
    )


@pytest.mark.browser
def test_every_thread_gets_its_own_figure(tmp_path: Path) -> None:
    """8 threads × 20 exports, pictures and text: not one holds another caller's figure."""
    wrong: list[str] = []

    def work(thread: int) -> None:
        for turn in range(20):
            word = f"figure-{thread}-{turn}"
            drawn = solid(thread * 30, turn * 12, 128, word)
            if turn % 2:
                text = genviz.write(drawn, tmp_path / f"{word}.svg").read_text()
                good = word in text and text.count("figure-") == text.count(word)
            else:
                with Image.open(genviz.write(drawn, tmp_path / f"{word}.png", scale=1)) as image:
                    good = image.convert("RGB").getpixel((60, 80)) == (thread * 30, turn * 12, 128)
            if not good:
                wrong.append(word)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(list(tmp_path.iterdir())) == 160


FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir><cachedir>{cache}</cachedir></fontconfig>
"""
PROOF = """
import sys
import plotly.graph_objects as go
import genviz
from genviz.export import Slide
for family in ("Inter", "DejaVu Sans"):
    figure = go.Figure(layout={"title": "Quartz glyph", "font": {"family": family}})
    genviz.write(figure, f"{sys.argv[1]}/{family}.png", width=300, height=120)
genviz.write(Slide(go.Figure(), "Quartz glyph"), f"{sys.argv[1]}/a.pdf")
"""


@pytest.mark.browser
@pytest.mark.skipif(not Path("/usr/share/fonts/truetype/dejavu").is_dir(), reason="needs the DejaVu fonts")
def test_the_shipped_typeface_is_used_where_the_system_has_none(tmp_path: Path) -> None:
    from pypdf import PdfReader

    config = tmp_path / "fonts.conf"
    config.write_text(FONTS.format(cache=tmp_path / "cache"))
    environment = {**os.environ, "FONTCONFIG_FILE": str(config)}
    subprocess.run([sys.executable, "-c", PROOF, str(tmp_path)], env=environment, check=True, timeout=90)
    inter, dejavu = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("Inter", "DejaVu Sans"))
    assert (inter < 128).sum() > 500  # there is text
    assert not np.array_equal(inter, dejavu)
    fonts = PdfReader(tmp_path / "a.pdf").pages[0]["/Resources"]["/Font"].values()  # type: ignore[index]
    assert {str(font.get_object()["/BaseFont"]).split("+")[-1] for font in fonts} >= {"Inter-SemiBold"}


KILLED = textwrap.dedent(
    """
    import sys
    import numpy as np, plotly.graph_objects as go
    import genviz
    figure = go.Figure(go.Heatmap(z=np.random.default_rng(0).random((300, 300))))
    print("ready", flush=True)
    while True:
        genviz.write(figure, sys.argv[1])
        print("written", flush=True)
    """
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "suffix", [".json", ".csv", ".html", pytest.param(".pptx", marks=pytest.mark.browser)]
)
def test_killed_in_mid_export_the_file_is_complete_or_absent(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    rng = np.random.default_rng(3)
    complete: int | None = None
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        if complete is None:
            process.stdout.readline()
            complete = check(target)
        time.sleep(rng.random() * 0.6)
        process.kill()
        process.wait()
        process.stdout.close()
        assert check(target) == complete
    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {suffix}  # what a kill leaves has a hidden name of its own


def check(path: Path) -> int:
    """A number that only a complete file gives."""
    import csv
    import json
    import zipfile

    if path.suffix == ".json":
        return len(json.loads(path.read_text())["data"])
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return sum(1 for _ in csv.reader(file))
    if path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>")
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return len(archive.namelist())
