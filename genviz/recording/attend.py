"""Reading attention from a recording: which call, which rows, which tokens along the axes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genviz.attention import AttentionInputs, MaskRule
from genviz.errors import NotCaptured, TokenMismatch
from genviz.recording.entry import Entry
from genviz.recording.labels import tokens_of

if TYPE_CHECKING:
    import xarray as xr

    from genviz.recording.recording import Recording

# What may stand beside the queries of a call.
_OTHERS = ("key_mask", "attention_bias", "bias")

Selection = int | slice | str | Sequence[int] | None


class AttentionReader:
    """Attention at one site for one sample, over every call of that site.

    Parameters
    ----------
    recording : Recording
    site : str
    sample : int
    """

    def __init__(self, recording: "Recording", site: str, sample: int = 0) -> None:
        self.site, self.sample, self._recording = site, sample, recording
        here = recording.entries(site)
        found = [e for e in here if e.kind == "query"] or [e for e in here if e.kind == "attention"]
        self._entries = {entry.call: entry for entry in found}
        self._key_entries = {entry.call: entry for entry in here if entry.kind == "key"}
        self._value_entries = {entry.call: entry for entry in here if entry.kind == "value"}
        self._others = {(entry.kind, entry.call): entry for entry in here if entry.kind in _OTHERS}
        self._assembled: tuple[int, NDArray[Any]] | None = None
        size = max(entry.shape[0] for entry in found)
        if not 0 <= sample < size:
            raise NotCaptured(f"no sample {sample} at {site!r}: it was run on {size} (0 … {size - 1})")

    @property
    def calls(self) -> tuple[int, ...]:
        """Calls of the site that were captured."""
        return tuple(self._entries)

    @property
    def heads(self) -> int:
        """Number of attention heads."""
        return int(next(iter(self._entries.values())).shape[1])

    @property
    def recording(self) -> "Recording":
        """The recording that is read."""
        return self._recording

    def attrs(self, call: int | None = None) -> Mapping[str, Any]:
        """What the capture said of one call's queries, or of the last one's."""
        return self._chosen(max(self.calls) if call is None else call).attrs

    def offset(self, call: int) -> int:
        """Position of a call's first query in the sequence."""
        return _offset(self._chosen(call))

    @property
    def route(self) -> str:
        """How the attention was captured."""
        return str(next(iter(self._entries.values())).attrs.get("route", "eager"))

    def inputs(self, call: int) -> AttentionInputs:
        """What one call's weights are worked out from.

        Raises
        ------
        NotCaptured
            When the model computed the weights itself and only they were stored.
        """
        entry = self._chosen(call)
        if entry.kind != "query":
            raise NotCaptured(
                f"queries and keys at {self.site!r} were not captured: the model computes its own softmax "
                "there, and only the finished weights were stored"
            )
        mask, bias, sinks = (self._beside(kind, call) for kind in ("key_mask", "attention_bias", "bias"))
        return AttentionInputs(
            query=entry.load()[self.sample],
            key=self._keys(call),
            rule=MaskRule.from_json(entry.attrs.get("rule", {})),
            key_mask=None if mask is None else mask.astype(bool),
            bias=bias,
            sinks=sinks,
        )

    def weights(
        self, call: int, head: int, rows: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.float32]:
        """Weights of one call and head, shape ``(row, key)``."""
        entry = self._chosen(call)
        if not 0 <= head < self.heads:
            raise NotCaptured(f"no head {head} at {self.site!r}: it has heads 0 … {self.heads - 1}")
        if entry.kind == "query":
            return self.inputs(call).weights(head, rows)
        stored = entry.load()[self.sample, head]
        return np.asarray(stored if rows is None else stored[rows], np.float32)

    def values(self, call: int, head: int) -> NDArray[np.float32]:
        """What one call mixes by the weights of one head, shape ``(key, channel)``.

        Raises
        ------
        NotCaptured
            When values were not asked for in the capture.
        """
        if call not in self._value_entries:
            raise NotCaptured(self._no_values())
        if "query" in {entry.kind for entry in self._entries.values()}:
            values = self._joined(self._value_entries, call, self._key_count(call))
        else:
            values = self._value_entries[call].load()[self.sample]
        return np.asarray(values[head // (self.heads // values.shape[0])], np.float32)

    def read(self, *, head: int | None, call: int | None, query: Selection, key: Selection) -> "xr.DataArray":
        """Labelled weights for the rows and columns asked for; see :meth:`Recording.attention`."""
        import xarray as xr  # brings pandas: 90 MB, half a second

        queries, keys = self.tokens(call)
        rows, columns = _positions(query, queries), _positions(key, keys)
        heads = range(self.heads) if head is None else (head,)
        maps = np.stack([self._map(each, call, rows)[:, columns] for each in heads])
        coords = {"query": [queries[at] for at in rows], "key": [keys[at] for at in columns]}
        array = xr.DataArray(
            maps, dims=("head", "query", "key"), coords={"head": list(heads), **coords}, name="attention",
            attrs={"site": self.site, "sample": self.sample, "route": self.route},
        )  # fmt: skip
        return array if head is None else array.isel(head=0)

    def tokens(self, call: int | None = None) -> tuple[list[Any], list[Any]]:
        """What stands along the query and the key axis: tokens where known, else positions."""
        last = self._chosen(max(self.calls) if call is None else call)
        queries = last.shape[2] + (_offset(last) if call is None else 0)
        keys = self._key_count(last.call)
        return self._names(last, "query", queries, call), self._names(last, "key", keys, call)

    def _names(self, entry: Entry, axis: str, length: int, call: int | None) -> list[Any]:
        attrs = {**entry.attrs, "start": {}} if call is None else entry.attrs
        found = tokens_of(replace(entry, attrs=attrs), axis, length, self._recording.info, self.sample)
        return list(range(length)) if found is None else list(found)

    def _map(self, head: int, call: int | None, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        if call is not None or len(self.calls) == 1:
            return self.weights(self.calls[0] if call is None else call, head, rows)
        self._require_one_sequence()
        out = np.zeros((rows.size, self._key_count(max(self.calls))), np.float32)
        for number, entry in self._entries.items():
            local = rows - _offset(entry)
            inside = (local >= 0) & (local < entry.shape[2])
            if inside.any():
                part = self.weights(number, head, local[inside])
                out[np.flatnonzero(inside), : part.shape[1]] = part
        return out

    def _require_one_sequence(self) -> None:
        expected = 0
        for call, entry in self._entries.items():
            key = self._key_entries.get(call)
            continued = not expected or key is None or key.attrs.get("key_start", 0) > 0
            if _offset(entry) != expected or not continued:
                raise NotCaptured(
                    f"{self.site!r} ran {len(self.calls)} times on separate inputs: choose one with call= "
                    f"(0 … {max(self.calls)})"
                )
            expected += entry.shape[2]

    def _key_count(self, call: int) -> int:
        entry = self._chosen(call)
        if entry.kind == "attention":
            return entry.shape[3]
        key = self._key(call)
        return int(key.attrs.get("key_start", 0)) + key.shape[2]

    def _key(self, call: int) -> Entry:
        return self._part(self._key_entries, call)

    def _part(self, entries: Mapping[int, Entry], call: int) -> Entry:
        if call not in entries:
            what = "keys" if entries is self._key_entries else "values"
            raise NotCaptured(f"the {what} of call {call} at {self.site!r} are not in this recording")
        return entries[call]

    def _no_values(self) -> str:
        reason = next(
            (m.reason for m in self._recording.missing if (m.site, m.kind) == (self.site, "value")), None
        )
        if reason:
            return f"values at {self.site!r} were not captured, because {reason}"
        return (
            f"values at {self.site!r} were not captured: a recording keeps them when they are asked for, "
            "with record(model, values=True)"
        )

    def _keys(self, call: int) -> NDArray[Any]:
        """Keys of one call; what was put together is kept, because the calls of a generation share it."""
        count = self._key_count(call)
        if self._assembled is not None and self._continues(self._assembled[0], call):
            return self._assembled[1][:, :count]
        last = self._last_of(call)
        keys = self._joined(self._key_entries, last)
        self._assembled = (last, keys)
        return keys[:, :count]

    def _joined(self, entries: Mapping[int, Entry], at: int, count: int | None = None) -> NDArray[Any]:
        """Keys or values of one call; with a cache a call stores only its new ones (``key_start``)."""
        parts: list[NDArray[Any]] = []
        needed = -1
        while needed:
            entry = self._part(entries, at)
            stored = entry.load()[self.sample]
            start = int(entry.attrs.get("key_start", 0))
            parts.append(stored if needed < 0 else stored[:, : needed - start])
            needed, at = start, at - 1
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts[::-1], axis=1)
        return joined[:, :count]

    def _last_of(self, call: int) -> int:
        """The last call whose keys go on from those of ``call``."""
        while call + 1 in self._key_entries and self._goes_on(call + 1):
            call += 1
        return call

    def _continues(self, last: int, call: int) -> bool:
        """Tell whether the keys of ``last`` begin with those of ``call``."""
        return call <= last and all(self._goes_on(at) for at in range(call + 1, last + 1))

    def _goes_on(self, call: int) -> bool:
        """Tell whether a call keeps all keys of the one before."""
        start = int(self._key_entries[call].attrs.get("key_start", 0))
        return start > 0 and start == self._key_count(call - 1)

    def _beside(self, kind: str, call: int) -> NDArray[Any] | None:
        found = self._others.get((kind, call))
        if kind == "attention_bias" and "bias_at" in self._chosen(call).attrs:
            site, at = self._chosen(call).attrs["bias_at"]  # layers that add the same bias keep it once
            found = self._recording.entry(site, kind, call=at)
        if found is None or (kind == "bias" and found.attrs.get("role") != "sinks"):
            return None
        array: NDArray[Any] = found.load()
        if kind == "bias":
            return array
        chosen: NDArray[Any] = array[self.sample if array.shape[0] > 1 else 0]
        return chosen

    def _chosen(self, call: int) -> Entry:
        if call not in self._entries:
            raise NotCaptured(f"no call {call} at {self.site!r}: it ran {len(self._entries)} times (from 0)")
        return self._entries[call]


def _offset(entry: Entry) -> int:
    return int(entry.attrs.get("start", {}).get("query", entry.attrs.get("rule", {}).get("offset", 0)))


def _positions(selection: Selection, names: Sequence[Any]) -> NDArray[np.integer[Any]]:
    count = len(names)
    if selection is None:
        return np.arange(count)
    if isinstance(selection, slice):
        return np.arange(count)[selection]
    if isinstance(selection, str):
        found = np.flatnonzero([name == selection for name in names])
        if not found.size:
            raise TokenMismatch(f"no token {selection!r}: the tokens are {' '.join(map(str, names[:20]))}")
        return found
    chosen = np.atleast_1d(np.asarray(selection, dtype=np.int64))
    if ((chosen < -count) | (chosen >= count)).any():
        raise TokenMismatch(f"no position {selection}: there are {count} (0 … {count - 1})")
    return chosen % count
