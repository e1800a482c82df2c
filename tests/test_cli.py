"""The command line: what each command prints, and the text of each refusal."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

import genviz
from genviz import cli, doctor
from genviz.errors import NotApplicable
from genviz.showing import subject_of

HOUSING = "sample_models.housing_perceptron:parts"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "house.genviz"
    assert cli.main(["record", HOUSING, "-o", str(path)]) == 0
    return path


@pytest.mark.parametrize(
    "arguments", [["--help"], ["show", "--help"], ["record", "--help"], ["export", "--help"]]
)
def test_help_teaches(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    assert "genviz" in capsys.readouterr().out


def test_record_says_what_it_captured(recorded: Path) -> None:
    recording = genviz.load(recorded)
    assert "weight" in recording.kinds()
    assert recording.missing == ()


def test_export_writes_the_view_with_its_controls(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.json"
    assert cli.main(["export", str(recorded), "perceptron_network", "--theme", "dark", "-o", str(out)]) == 0
    figure = json.loads(out.read_text())
    assert figure["layout"]["meta"]["genviz"]["view"] == "perceptron_network"


def test_views_lists_only_what_applies(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["views"]) == 0
    everything = capsys.readouterr().out
    assert cli.main(["views", str(recorded)]) == 0
    applies = capsys.readouterr().out
    assert "attention_matrix" in everything
    assert "attention_matrix" not in applies
    assert "perceptron_network" in applies


def test_doctor_names_versions_and_remedies(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"genviz {genviz.__version__}" in out
    assert "2.13" in out
    assert "chromium" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["demo", "--only", "nope"], "no sample 'nope': the samples are"),
        (["export", "RUN", "nope", "-o", "x.svg"], "no view 'nope': the views are"),
        (["export", "RUN", "perceptron_network", "--set", "unit", "-o", "x.svg"], "write CONTROL=VALUE"),
        (["export", "RUN", "perceptron_network", "--set", "nope=1", "-o", "x.json"], "has no control 'nope'"),
        (["export", "RUN", "attention_matrix", "-o", "x.json"], "needs"),
        (["export", "RUN", "perceptron_network", "-o", "x.xyz"], ".xyz"),
        (["export", "nowhere.genviz", "perceptron_network", "-o", "x.json"], "the path does not exist"),
        (["record", "nowhere/at/all", "-o", "x.genviz"], "nowhere/at/all"),
        (["record", "weights.pt", "-o", "x.genviz"], "is a pickle"),
        (["record", HOUSING, "--input", "x.txt", "-o", "y.genviz"], "cannot read x.txt"),
    ],
)  # fmt: skip
def test_refusals(
    arguments: list[str], text: str, recorded: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main([str(recorded) if part == "RUN" else part for part in arguments]) == 1
    assert text in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "a refused command leaves nothing behind"


def test_a_recording_is_never_overwritten(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["record", HOUSING, "-o", str(recorded)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_ctrl_c_is_a_clean_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("genviz.doctor.report", interrupted)
    assert cli.main(["doctor"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_input_from_a_file(tmp_path: Path) -> None:
    rows = np.arange(10, dtype=np.float32).reshape(2, 5)
    np.save(tmp_path / "rows.npy", rows)
    np.testing.assert_array_equal(cli._array(tmp_path / "rows.npy"), rows)
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", header="a,b,c,d,e", comments="")
    np.testing.assert_array_equal(cli._array(tmp_path / "rows.csv"), rows)


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(NotApplicable, match="cannot read"):
        cli._array(tmp_path / "evil.npy")


def test_anything_becomes_a_subject(recorded: Path) -> None:
    recording = genviz.load(recorded)
    assert subject_of(recording).recording is recording
    assert subject_of(recorded).name == "house"
    assert subject_of(str(recorded), "mine").name == "mine"
    assert subject_of(subject_of(recording)).recording is recording


# -- Ctrl-C, for real ------------------------------------------------------------------------------

SLOW = """
import time
from pathlib import Path
from torch import nn

class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 2), nn.Linear(2, 1)

    def forward(self, rows):
        Path("running").touch()
        time.sleep(120)
        return self.last(self.first(rows))

def parts():
    import torch
    return {"model": Slow(), "data": torch.zeros(4, 3)}

def slow_parts():
    Path("running").touch()
    time.sleep(120)
"""


@pytest.mark.parametrize("source", ["slow:parts", "slow:slow_parts"], ids=["running it", "loading the model"])
def test_ctrl_c_while_recording_stops_at_once_and_leaves_nothing(source: str, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    root = str(Path(genviz.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from genviz.cli import main; sys.exit(main())",
         "record", source, "-o", "run.genviz"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path)])},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "running").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().endswith("genviz: stopped")
    assert "Traceback" not in errors
    assert not (tmp_path / "run.genviz").exists()


def test_what_takes_long_says_so_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with cli._progress("running it"):
        time.sleep(1.3)
    assert "running it … 1 s" in capsys.readouterr().err
    with cli._progress("a moment"):
        pass
    assert capsys.readouterr().err.strip() == ""


def test_doctor_knows_every_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((Path(genviz.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"].keys() - {"test", "dev", "docs"} == doctor._EXTRAS.keys()
    monkeypatch.setattr("genviz.export.browser.find_browser", lambda: None)
    monkeypatch.setitem(doctor._EXTRAS, "data", ("no-such-package", "nothing"))
    text = doctor.report()
    assert "missing  chromium" in text
    assert "install the package 'chromium', or set BROWSER_PATH" in text
    assert "missing  no-such-package" in text
    assert "→ pip install 'genviz[data]'" in text
