"""Names along the axes of a captured array: tokens, samples' labels, positions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from genviz.recording.entry import Entry

if TYPE_CHECKING:
    import xarray as xr

_TOKEN_AXES = ("token", "query", "key")


def tokens_of(
    entry: Entry, axis: str, length: int, info: Mapping[str, Any], sample: int = 0
) -> Sequence[str] | None:
    """Tokens along one axis of an entry, or None when none were given for it.

    An entry says in ``attrs["tokens"]`` which list labels which axis (``tokens`` or ``target_tokens``);
    without it, the list whose length fits is taken.
    """
    named = entry.attrs.get("tokens", {}).get(axis)
    start = int(entry.attrs.get("start", {}).get(axis, 0))
    for name in (named,) if named else ("tokens", "target_tokens"):
        lists = info.get(name) or ()
        if lists:
            tokens = list(lists[min(sample, len(lists) - 1)])[start : start + length]
            if len(tokens) == length or (named and axis == "key"):
                return tokens[:length] + [""] * (length - len(tokens))
    return None


def has_labels(entry: Entry) -> bool:
    """Tell whether the recording's labels speak of this entry's items: they do not of generated ones."""
    return entry.attrs.get("source") != "fake"


def label(entry: Entry, array: NDArray[Any], info: Mapping[str, Any]) -> "xr.DataArray":
    """Wrap a captured array with its axes, coordinates and attributes; nothing is copied."""
    import xarray as xr  # brings pandas: 90 MB, half a second

    coords: dict[str, Any] = {}
    for axis, length in zip(entry.axes, array.shape, strict=True):
        if axis in _TOKEN_AXES:
            tokens = tokens_of(entry, axis, length, info)
            if tokens is not None and len(info.get("tokens") or ()) <= 1:
                coords[axis] = list(tokens)
        if axis == "sample" and has_labels(entry):
            for name, values in (info.get("labels") or {}).items():
                if len(values) == length:
                    coords[name] = ("sample", list(values))
    attrs = {"site": entry.site, "kind": entry.kind, "call": entry.call, **dict(entry.attrs)}
    return xr.DataArray(array, dims=entry.axes, coords=coords, attrs=attrs, name=entry.kind)
