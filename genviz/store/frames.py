"""One frame: arrays with their descriptions in one safetensors file, checked before it is trusted.

The safetensors header is JSON and its metadata carries one string, ``genviz``: what each array is, with
its CRC-32, and its own CRC-32 beside it. A reader therefore never needs to trust a byte that no
checksum covers.
"""

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors.numpy import save

from genviz.errors import DamagedFrame

MAX_HEADER = 16 * 1024 * 1024
# Arrays of a file up to this many bytes are copied: a mapping holds an open file, of which a process may have
# 1,024, and a training run writes more frames than that.
_COPIED = 1024 * 1024
_DTYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32,
    "I16": np.int16, "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8,
    "BOOL": np.bool_,
}  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """The checked description of one frame, and where each array's bytes lie in its buffer.

    Parameters
    ----------
    arrays : sequence of dict
        One description per array: at least ``name``, ``dtype``, ``shape``, ``crc32``.
    info : dict
        What the frame adds to the recording as a whole (tokens, labels, provenance, …).
    """

    arrays: Sequence[Mapping[str, Any]]
    info: Mapping[str, Any]
    _open: Callable[[], NDArray[np.uint8]]
    _spans: Mapping[str, tuple[int, int]]
    _where: str

    def array(self, name: str) -> NDArray[Any]:
        """One array, read-only; its checksum is verified.

        Raises
        ------
        DamagedFrame
            When the bytes are not those that were written.
        """
        described = next(item for item in self.arrays if item["name"] == name)
        start, stop = self._spans[name]
        data = self._open()[start:stop]
        if data.size != stop - start or zlib.crc32(data.data) != described["crc32"]:
            raise DamagedFrame(
                f"{self._where}: array {name!r} ({described.get('site')}, {described.get('kind')}) does "
                "not match its checksum: the file was changed after it was written; record again or restore "
                "the file"
            )
        if data.size <= _COPIED:
            data = np.array(data)
            data.flags.writeable = False
        return data.view(_DTYPES[described["dtype"]]).reshape(described["shape"])


def encode_frame(arrays: Sequence[tuple[Mapping[str, Any], NDArray[Any]]], info: Mapping[str, Any]) -> bytes:
    """Bytes of one frame.

    Parameters
    ----------
    arrays : sequence of (description, array)
        The description is plain JSON; ``name``, ``dtype``, ``shape`` and ``crc32`` are added here.
    info : mapping
        Plain JSON.

    Examples
    --------
    >>> frame = decode_frame(encode_frame([({"site": "a", "kind": "hidden"}, np.ones(3, np.float32))], {}))
    >>> frame.array("0")
    array([1., 1., 1.], dtype=float32)
    """
    tensors, described = {}, []
    for index, (description, array) in enumerate(arrays):
        data = np.ascontiguousarray(array).reshape(array.shape)
        code = next((code for code, kind in _DTYPES.items() if data.dtype == kind), None)
        if code is None:
            raise TypeError(
                f"dtype {data.dtype} of {description} cannot be stored: use one of {sorted(_DTYPES)}"
            )
        crc = zlib.crc32(data.reshape(-1).view(np.uint8).data) if data.size else 0
        described.append(
            {**description, "name": str(index), "dtype": code, "shape": list(data.shape), "crc32": crc}
        )
        tensors[str(index)] = data
    text = orjson.dumps({"arrays": described, "info": dict(info)}, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    metadata = {"genviz": text, "genviz_crc32": str(zlib.crc32(text.encode()))}
    return bytes(save(tensors, metadata=metadata))


def decode_frame(data: bytes | NDArray[np.uint8], where: str = "frame") -> Frame:
    """Check a frame's header against its own checksums and sizes, and hand out its arrays.

    Raises
    ------
    DamagedFrame
        Names ``where`` and what is wrong.
    """
    buffer = np.frombuffer(data, np.uint8) if isinstance(data, bytes | bytearray | memoryview) else data
    header, start = _header(buffer, where)
    body = _described(header, where)
    spans = {}
    for item in body["arrays"]:
        spans[item["name"]] = _span(item, header.get(item["name"]), (start, buffer.size), where)
    if sum(stop - begin for begin, stop in spans.values()) != buffer.size - start:
        raise DamagedFrame(f"{where}: {buffer.size - start} bytes of data where the header describes others")
    return Frame(body["arrays"], body["info"], lambda: buffer, spans, where)


def map_frame(path: Path) -> Frame:
    """Check the header of a frame's file; array bytes are read when asked for, and no file stays open."""
    if path.stat().st_size < 8:
        raise DamagedFrame(f"{path.name}: {path.stat().st_size} bytes are too few for a frame")
    checked = decode_frame(_mapped(path), path.name)
    return replace(checked, _open=lambda: _mapped(path))


def _mapped(path: Path) -> NDArray[np.uint8]:
    try:
        return np.memmap(path, np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise DamagedFrame(f"{path.name}: the file cannot be read any more: {error}") from None


def _header(buffer: NDArray[np.uint8], where: str) -> tuple[dict[str, Any], int]:
    if buffer.size < 8:
        raise DamagedFrame(f"{where}: {buffer.size} bytes are too few for a frame")
    (length,) = struct.unpack("<Q", buffer[:8].tobytes())
    if length > min(MAX_HEADER, buffer.size - 8):
        raise DamagedFrame(f"{where}: header of {length} bytes in a file of {buffer.size}")
    try:
        header = json.loads(buffer[8 : 8 + length].tobytes(), object_pairs_hook=_no_twice)
    except (ValueError, RecursionError) as error:
        raise DamagedFrame(f"{where}: the header is not the JSON that was written ({error})") from None
    if not isinstance(header, dict):
        raise DamagedFrame(f"{where}: the header is not a JSON object")
    return header, 8 + length


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _described(header: dict[str, Any], where: str) -> dict[str, Any]:
    metadata = header.pop("__metadata__", None)
    text = metadata.get("genviz") if isinstance(metadata, dict) else None
    if not isinstance(text, str) or not isinstance(metadata, dict):
        raise DamagedFrame(f"{where}: no description of its arrays: not written by genviz, or damaged")
    if str(zlib.crc32(text.encode(errors="surrogatepass"))) != metadata.get("genviz_crc32"):
        raise DamagedFrame(f"{where}: the description of its arrays does not match its checksum")
    body: dict[str, Any] = orjson.loads(text)
    if set(header) != {item["name"] for item in body["arrays"]}:
        raise DamagedFrame(f"{where}: the arrays present are not those described")
    return body


def _span(item: Mapping[str, Any], found: Any, bounds: tuple[int, int], where: str) -> tuple[int, int]:
    start, size = bounds
    if (
        not isinstance(found, dict)
        or found.get("dtype") != item["dtype"]
        or found.get("shape") != item["shape"]
        or item["dtype"] not in _DTYPES
    ):
        raise DamagedFrame(f"{where}: array {item['name']!r} has another type or shape than described")
    offsets = found.get("data_offsets")
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(at) is int for at in offsets)):
        raise DamagedFrame(f"{where}: array {item['name']!r} has no place in the file")
    nbytes = np.dtype(_DTYPES[item["dtype"]]).itemsize
    for length in item["shape"]:
        nbytes *= length
    begin, stop = start + offsets[0], start + offsets[1]
    if offsets[0] < 0 or stop - begin != nbytes or stop > size:
        raise DamagedFrame(f"{where}: array {item['name']!r} lies outside the file")
    return begin, stop
