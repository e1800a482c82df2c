"""The folder: whole frames or none, growing prefixes, and what was acknowledged survives a kill."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import genviz
from genviz.errors import DamagedFrame, NotARecording, RecordingError
from genviz.recording import Recording
from genviz.store import Folder

# Appends frames for ever; prints each number once the frame is acknowledged.
WRITER = """
import sys, numpy as np
from collections.abc import Callable
from pathlib import Path
from genviz.store import Folder
folder = Folder.create(Path(sys.argv[1]))
rng = np.random.default_rng(0)
while True:
    array = rng.standard_normal((64, 64)).astype(np.float32)
    described = {"site": "a", "kind": "hidden", "axes": ["row", "column"], "call": 0, "step": None,
                 "attrs": {}, "of": "float32"}
    number = folder.append([(described, array)], {})
    print(number, flush=True)
"""


def expected(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((64, 64)).astype(np.float32) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_survives_a_kill_at_100_random_moments(tmp_path: Path) -> None:
    moments = random.Random(7)
    acknowledged_in_all = 0
    for trial in range(100):
        path = tmp_path / f"{trial}.genviz"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        acknowledged = 1 + sum(1 for line in process.stdout if line.endswith("\n"))
        process.wait()
        recording = genviz.load(path)
        assert len(recording) >= acknowledged
        assert len(recording) <= acknowledged + 1, "a frame is seen whole or not at all"
        assert not recording.damage
        for entry, array in zip(recording.entries(), expected(len(recording)), strict=True):
            np.testing.assert_array_equal(entry.load(), array)
        acknowledged_in_all += acknowledged
    assert acknowledged_in_all > 200, "the writers must have been killed in the middle of work"


def append(folder: Folder, value: float) -> int:
    entry = Recording().add("a", "hidden", np.full((1, 2, 3), value, np.float32))
    return folder.append([(entry.described(), entry.load())], {})


def test_a_reader_sees_a_growing_prefix(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "run.genviz")
    append(folder, 0)
    reader = genviz.load(tmp_path / "run.genviz")
    assert len(reader) == 1
    append(folder, 1)
    assert reader.refresh() == 1
    assert [float(entry.load().max()) for entry in reader.entries()] == [0.0, 1.0]
    assert reader.refresh() == 0


def test_a_damaged_frame_is_named_and_the_rest_opens(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "run.genviz")
    for value in range(3):
        append(folder, value)
    middle = folder.frames / "00000001.safetensors"
    middle.write_bytes(middle.read_bytes()[:-5])
    recording = genviz.load(tmp_path / "run.genviz")
    assert [float(entry.load().max()) for entry in recording.entries()] == [0.0, 2.0]
    assert "00000001.safetensors" in str(recording.damage[0])
    assert "damaged: 00000001.safetensors" in repr(recording)


def test_changed_numbers_are_named_when_they_are_read(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "run.genviz")
    append(folder, 1)
    frame = folder.frames / "00000000.safetensors"
    data = bytearray(frame.read_bytes())
    data[-1] ^= 1
    frame.write_bytes(bytes(data))
    with pytest.raises(DamagedFrame, match=r"00000000.*does not match its checksum: the file was changed"):
        genviz.load(tmp_path / "run.genviz").entries()[0].load()


@pytest.mark.slow
def test_every_flipped_byte_of_a_small_recording_is_harmless_or_named(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "run.genviz")
    append(folder, 1)
    append(folder, 2)
    for file in (folder.path / "header.json", folder.frames / "00000001.safetensors"):
        whole = file.read_bytes()
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 0x20
            file.write_bytes(bytes(changed))
            try:
                recording = genviz.load(folder.path)
                values = [float(entry.load().max()) for entry in recording.entries()]
            except (DamagedFrame, NotARecording):
                continue
            assert values == ([1.0] if recording.damage else [1.0, 2.0])
        file.write_bytes(whole)


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.genviz"
    recording = Recording()
    recording.add("a", "hidden", np.zeros((1, 2, 3), np.float32))
    recording.save(path)
    with pytest.raises(RecordingError, match="exists already: choose another name or remove it first"):
        recording.save(path)


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda path: None, "the path does not exist"),
        (lambda path: path.mkdir(), r"is not a recording: it has no header\.json"),
        (lambda path: path.write_text("x"), r"is not a recording: it has no header\.json"),
    ],
)
def test_a_foreign_path_is_refused(tmp_path: Path, prepare: Callable[[Path], object], text: str) -> None:
    path = tmp_path / "thing"
    prepare(path)
    with pytest.raises(NotARecording, match=text):
        genviz.load(path)


def test_a_target_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"cannot write a recording at .*: Not a directory"):
        Recording().save(tmp_path / "file" / "run.genviz")
