"""Recording straight to disk: what was told to be safe is, a reader sees it grow, a lost disk is named."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import genviz
from genviz.capture import record
from genviz.errors import RecordingError
from tests.contracts.family_models import mlp

X = torch.ones(2, 4)

LOOP = """
import sys, torch
from torch import nn
from genviz.capture import record
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimiser = torch.optim.SGD(model.parameters(), 0.01)
with record(model, to=sys.argv[1]) as recording:
    for step in range(100_000):
        optimiser.zero_grad()
        model(torch.full((2, 4), float(step))).sum().backward()
        optimiser.step()
        recording.flush(step=step)
        print(step, flush=True)
"""


def test_a_killed_training_run_keeps_what_it_was_told_is_safe(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / f"{number}.genviz"
        process = subprocess.Popen([sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(5 + number * 3):
            process.stdout.readline()
        growing = genviz.load(path)  # while it grows
        time.sleep(random.random() / 20)
        os.kill(process.pid, signal.SIGKILL)
        told = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        safe = max(map(int, told), default=4)
        growing.refresh()
        for recording in (growing, genviz.load(path)):
            assert not recording.damage
            assert recording.entries(step=safe)
            for entry in recording.entries("0", "input"):
                assert (entry.load() == float(entry.step or 0)).all()


def test_a_long_run_holds_no_file_open_and_steps_stand_on_entries(tmp_path: Path) -> None:
    model, path = mlp(), tmp_path / "run.genviz"
    open_before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with record(model, to=path, kinds=["weight", "weight_gradient"]) as recording:
        for step in range(60):
            model(X).sum().backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.sub_(0.1)
            recording.flush(step=step)
        assert len(os.listdir("/proc/self/fd")) <= open_before + 2  # noqa: PTH208
    loaded = genviz.load(path)
    assert [entry.step for entry in loaded.entries("0", "weight_gradient")] == list(range(60))
    assert loaded["0", "weight"].dims[0] == "step"


def test_a_disk_that_is_gone_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    model, path = mlp(), tmp_path / "run.genviz"

    def captured() -> None:
        with record(model, to=path) as recording:
            kept.append(recording)
            model(X)
            shutil.rmtree(path)
            recording.flush()

    kept: list[Any] = []
    with pytest.raises(RecordingError, match=r"cannot write [\d,]+ bytes to .*: No such file or directory"):
        captured()
    kept[0].save(tmp_path / "elsewhere.genviz")
    assert genviz.load(tmp_path / "elsewhere.genviz").entry("0", "weighted_sum").shape == (2, 8)
