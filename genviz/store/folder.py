"""A recording's folder: ``header.json`` and ``frames/00000000.safetensors``, ``…01``, and so on.

A frame is written to a temporary name, flushed to the disk and renamed; so it is there whole or not at
all, and a reader sees a growing prefix while a run still writes.
"""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from numpy.typing import NDArray

from genviz.errors import DamagedFrame, NotARecording, RecordingError
from genviz.store.frames import Frame, encode_frame, map_frame

VERSION = 1
_HEADER = "header.json"


class Folder:
    """One recording on disk.

    Parameters
    ----------
    path : Path
        A folder; by convention its name ends in ``.genviz``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = path / "frames"
        self._written: int | None = None

    @classmethod
    def create(cls, path: Path) -> "Folder":
        """Make a new, empty recording.

        Raises
        ------
        RecordingError
            When the path exists (nothing is overwritten) or cannot be written.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RecordingError(f"{path} exists already: choose another name or remove it first")
        folder = cls(path)
        try:
            folder.frames.mkdir(parents=True)
            body = orjson.dumps({"format": "genviz", "version": VERSION})
            _write_whole(path / _HEADER, orjson.dumps({"crc32": zlib.crc32(body), "body": body.decode()}))
        except OSError as error:
            raise RecordingError(f"cannot write a recording at {path}: {error.strerror or error}") from error
        return folder

    @classmethod
    def open(cls, path: Path) -> "Folder":
        """Open an existing recording.

        Raises
        ------
        NotARecording
            When there is no recording at ``path``, or one of a later version.
        DamagedFrame
            When the header is not what was written.
        """
        header = path / _HEADER
        if not path.exists():
            raise NotARecording(f"no recording at {path}: the path does not exist")
        if not header.is_file():
            raise NotARecording(f"{path} is not a recording: it has no {_HEADER}")
        version = _version(header)
        if version > VERSION:
            raise NotARecording(
                f"{path} is of format version {version}; this genviz reads up to {VERSION}: upgrade it"
            )
        return cls(path)

    def append(
        self, arrays: Sequence[tuple[Mapping[str, Any], NDArray[Any]]], info: Mapping[str, Any]
    ) -> int:
        """Write one frame and return its number once it is safe on disk.

        Raises
        ------
        RecordingError
            When the disk does not take it (full, gone, read-only); the frames before it are unharmed.
        """
        number = self.count() if self._written is None else self._written
        data = encode_frame(arrays, info)
        try:
            _write_whole(self._path(number), data)
        except OSError as error:
            raise RecordingError(
                f"cannot write {len(data):,} bytes to {self.path}: {error.strerror or error}; the {number} "
                "frames before are safe: make room there and flush() again, or save() the recording elsewhere"
            ) from error
        self._written = number + 1
        return number

    def count(self, known: int = 0) -> int:
        """Frames that are there, up to the first gap; the first ``known`` are not looked for again."""
        while self._path(known).exists():
            known += 1
        return known

    def read(self, start: int = 0) -> Iterator[tuple[int, Frame | DamagedFrame]]:
        """Frames from ``start`` on; a damaged one comes as the error that names it."""
        for number in range(start, self.count(start)):
            try:
                yield number, map_frame(self._path(number))
            except DamagedFrame as damage:
                yield number, damage

    def _path(self, number: int) -> Path:
        return self.frames / f"{number:08d}.safetensors"


def _version(header: Path) -> int:
    try:
        outer = orjson.loads(header.read_bytes())
        body = outer["body"].encode()
        if zlib.crc32(body) != outer["crc32"]:
            raise ValueError("checksum")
        fields = orjson.loads(body)
        return int(fields["version"]) if fields["format"] == "genviz" else int("not genviz")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DamagedFrame(
            f"{header} is not the header that was written: restore it, or record again"
        ) from None


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, rename, and flush the folder's list of names."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
