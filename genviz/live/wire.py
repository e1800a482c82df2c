"""What crosses the pipe between an engine and its worker: nested values as one checked frame.

A message is a tree of plain JSON with markers where JSON has no word (arrays, recordings, tuples,
infinities); the arrays follow as safetensors. Nothing in it can run code when it is read.
"""

import math
import struct
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from genviz.errors import LiveError
from genviz.recording import Recording
from genviz.store import decode_frame, encode_frame

#: A message longer than this is not one of ours.
MAX_BYTES = 1 << 36
_LENGTH = struct.Struct("<Q")
_MARK = "$"
_STORABLE = "fiub"


def pack(value: Any) -> bytes:
    """Encode a nested value.

    Parameters
    ----------
    value
        None, bool, int, float, str, numpy scalar or array (numbers, booleans, text), Recording, and lists,
        tuples and dicts of these.

    Raises
    ------
    LiveError
        When something in it has no such form; says where it stands.

    Examples
    --------
    >>> unpack(pack({"codes": np.zeros((2, 3), np.float32), "seed": 1}))["codes"].shape
    (2, 3)
    """
    arrays: list[NDArray[Any]] = []
    tree = _to_tree(value, "value", arrays)
    # The tree goes as an array of bytes: a frame's own header is limited in size, a message is not.
    body = np.frombuffer(orjson.dumps(tree), np.uint8)
    return encode_frame([({}, array) for array in (body, *arrays)], {})


def unpack(data: bytes) -> Any:
    """Decode what :func:`pack` made; arrays are read-only views into ``data``."""
    frame = decode_frame(data, "message")
    return _from_tree(orjson.loads(frame.array("0").tobytes()), lambda at: frame.array(str(at + 1)))


def send(pipe: IO[bytes], data: bytes) -> None:
    """Write one message, its length first."""
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Read one message; None when the other side has closed the pipe (also in mid-message)."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_BYTES:
        return None
    data = pipe.read(length)
    return data if len(data) == length else None


def _to_tree(value: Any, where: str, arrays: list[NDArray[Any]]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else {_MARK: "int", "of": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {_MARK: "float", "of": str(value)}
    if isinstance(value, np.ndarray):
        return _array(value, where, arrays)
    if isinstance(value, Recording):
        arrays.append(np.frombuffer(value.to_bytes(), np.uint8))
        return {_MARK: "recording", "at": len(arrays) - 1}
    if isinstance(value, list | tuple):
        items = [_to_tree(item, f"{where}[{at}]", arrays) for at, item in enumerate(value)]
        return items if isinstance(value, list) else {_MARK: "tuple", "of": items}
    if isinstance(value, dict):
        return _mapping(value, where, arrays)
    raise LiveError(
        f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which cannot be sent to or "
        "from a model's process: use numpy arrays, numbers, text, recordings, and lists and dicts of these"
    )


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, as some byte-level tokenizers produce
        return {_MARK: "text", "of": list(value.encode("utf-8", "surrogatepass"))}
    return str(value)


def _array(value: NDArray[Any], where: str, arrays: list[NDArray[Any]]) -> dict[str, Any]:
    if value.dtype.kind in "UO" and all(isinstance(item, str) for item in value.flat):
        return {_MARK: "strings", "of": [_text(str(item)) for item in value.flat], "shape": list(value.shape)}
    if value.dtype.kind not in _STORABLE or value.dtype.itemsize > 8:
        raise LiveError(
            f"{where} is an array of dtype {value.dtype}, which cannot be sent to or from a model's process: "
            "convert it to float32, int64, bool or text"
        )
    arrays.append(value.astype(value.dtype.newbyteorder("="), copy=False))
    return {_MARK: "array", "at": len(arrays) - 1}


def _mapping(value: dict[Any, Any], where: str, arrays: list[NDArray[Any]]) -> Any:
    items = [(key, _to_tree(item, f"{where}[{key!r}]", arrays)) for key, item in value.items()]
    if _MARK not in value and all(isinstance(key, str) and key.isprintable() for key in value):
        return {str(key): item for key, item in items}
    return {_MARK: "dict", "of": [[_to_tree(key, f"a key of {where}", arrays), item] for key, item in items]}


def _from_tree(tree: Any, array: Callable[[int], NDArray[Any]]) -> Any:
    if isinstance(tree, list):
        return [_from_tree(item, array) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if _MARK in tree:
        return _MARKED[tree[_MARK]](tree, array)
    return {key: _from_tree(item, array) for key, item in tree.items()}


def _all(items: Iterable[Any], array: Callable[[int], NDArray[Any]]) -> list[Any]:
    return [_from_tree(item, array) for item in items]


# What each marker stands for.
_MARKED: dict[str, Callable[[dict[str, Any], Callable[[int], NDArray[Any]]], Any]] = {
    "array": lambda tree, array: array(tree["at"]),
    "recording": lambda tree, array: Recording.from_bytes(array(tree["at"]).tobytes()),
    "tuple": lambda tree, array: tuple(_all(tree["of"], array)),
    "dict": lambda tree, array: dict(_all(tree["of"], array)),
    "strings": lambda tree, array: np.array(_all(tree["of"], array), np.str_).reshape(tree["shape"]),
    "text": lambda tree, _: bytes(tree["of"]).decode("utf-8", "surrogatepass"),
    "int": lambda tree, _: int(tree["of"]),
    "float": lambda tree, _: float(tree["of"]),
}
