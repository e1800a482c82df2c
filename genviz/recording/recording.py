"""The recording: what was captured, found by site and kind, handed out as labelled arrays."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genviz.errors import DamagedFrame, NotCaptured, UnknownSite
from genviz.recording import lead_out, table
from genviz.recording.attend import AttentionReader, Selection
from genviz.recording.entry import Entry, Missing
from genviz.recording.labels import label
from genviz.store import Folder, Frame, decode_frame, encode_frame

if TYPE_CHECKING:
    import xarray as xr


class Recording:
    """Labelled arrays captured from one or several runs.

    Parameters
    ----------
    entries : iterable of Entry
    info : mapping
        Plain JSON about the run as a whole: ``tokens`` and ``target_tokens`` (one list per sample),
        ``labels`` (name → one value per sample), ``provenance``, ``network``, ``title``, ``missing``.

    Examples
    --------
    >>> recording = Recording([Entry.of("layers.0", "hidden", np.zeros((1, 3, 4), np.float32))])
    >>> recording.sites(kind="hidden")
    ('layers.0',)
    >>> recording["layers.0", "hidden"].dims
    ('sample', 'token', 'channel')
    """

    def __init__(self, entries: Iterable[Entry] = (), info: Mapping[str, Any] | None = None) -> None:
        self._entries: list[Entry] = list(entries)
        self.info: dict[str, Any] = dict(info or {})
        self.damage: list[DamagedFrame] = []
        self.folder: Folder | None = None
        self._read = 0

    # -- what is there ---------------------------------------------------------------------------

    def entries(
        self, site: str | None = None, kind: str | None = None, *,
        call: int | None = None, step: int | None = None, **attrs: Any,
    ) -> tuple[Entry, ...]:  # fmt: skip
        """Entries that match everything given, in the order in which they were captured."""
        return tuple(
            entry
            for entry in self._entries
            if (site is None or entry.site == site)
            and (kind is None or entry.kind == kind)
            and (call is None or entry.call == call)
            and (step is None or entry.step == step)
            and all(entry.attrs.get(name) == value for name, value in attrs.items())
        )

    def since(self, number: int) -> tuple[Entry, ...]:
        """Entries after the first ``number`` of them."""
        return tuple(self._entries[number:])

    def sites(self, kind: str | None = None) -> tuple[str, ...]:
        """Site names in the order in which they ran; ``"attention"`` includes what can be worked out."""
        kinds = {"attention", "query"} if kind == "attention" else {kind}
        return tuple(dict.fromkeys(e.site for e in self._entries if kind is None or e.kind in kinds))

    def kinds(self, site: str | None = None) -> tuple[str, ...]:
        """Kinds captured at one site, or anywhere."""
        found = dict.fromkeys(entry.kind for entry in self.entries(site))
        return tuple(found) + (("attention",) if "query" in found and "attention" not in found else ())

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What could not be captured, each with its reason."""
        return tuple(Missing(**item) for item in self.info.get("missing", ()))

    @property
    def tokens(self) -> tuple[tuple[str, ...], ...]:
        """Tokens, one tuple per sample; empty when none were given."""
        return tuple(tuple(sample) for sample in self.info.get("tokens", ()))

    def labels(self, name: str) -> NDArray[Any]:
        """One known value per sample of the data (a class, a factor, …)."""
        labels = self.info.get("labels", {})
        if name not in labels:
            raise NotCaptured(f"no labels {name!r}: this recording has {', '.join(labels) or 'no labels'}")
        return np.asarray(labels[name])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(entry.nbytes for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    # -- arrays ----------------------------------------------------------------------------------

    def entry(self, site: str, kind: str, **which: Any) -> Entry:
        """The one entry that matches.

        Raises
        ------
        UnknownSite
            When nothing was captured at the site.
        NotCaptured
            When the kind, call or step is not there, or several match and none was chosen.
        """
        found = self.entries(site, kind, **which)
        if len(found) == 1:
            return found[0]
        if found:
            calls = sorted({entry.call for entry in found})
            steps = sorted({entry.step for entry in found if entry.step is not None})
            raise NotCaptured(
                f"{kind} at {site!r} was captured {len(found)} times: choose one with call= ({_range(calls)})"
                + (f" or step= ({_range(steps)})" if steps else "")
            )
        raise self._absence(site, kind, which)

    def array(self, site: str, kind: str, **which: Any) -> "xr.DataArray":
        """One array with named axes; ``call=``, ``step=`` and attributes such as ``source="fake"`` choose."""
        entry = self.entry(site, kind, **which)
        return label(entry, entry.load(), self.info)

    def __getitem__(self, where: tuple[str, str]) -> "xr.DataArray":
        """``recording[site, kind]``: one array, or every call of it stacked along a leading axis ``call``."""
        site, kind = where
        found = self.entries(site, kind)
        if kind == "attention" and not found:
            return self.attention(site)
        if len(found) < 2 or len({entry.shape for entry in found}) > 1:
            return self.array(site, kind)
        import xarray as xr  # brings pandas: 90 MB, half a second

        steps = [entry.step for entry in found]
        by_step = None not in steps and len(set(steps)) == len(steps)
        stacked = xr.concat([label(e, e.load(), self.info) for e in found], "step" if by_step else "call")
        return stacked.assign_coords({"step": steps} if by_step else {"call": [e.call for e in found]})

    def attention(
        self, site: str, *, head: int | None = None, sample: int = 0, call: int | None = None,
        query: Selection = None, key: Selection = None,
    ) -> "xr.DataArray":  # fmt: skip
        """Attention weights, worked out now from what was captured.

        Parameters
        ----------
        site : str
        head : int, optional
            One head; without it all of them, along a leading axis ``head``.
        sample : int
        call : int, optional
            One call; without it, the calls of a ``generate`` are put together into one map.
        query, key : int, slice, str or sequence of int, optional
            Positions, or a token. Only these rows are worked out.

        Returns
        -------
        xarray.DataArray
            ``(query, key)`` or ``(head, query, key)``, float32, with tokens as coordinates.
        """
        if not self.entries(site, "query") and not self.entries(site, "attention"):
            raise self._absence(site, "attention", {})
        return AttentionReader(self, site, sample).read(head=head, call=call, query=query, key=key)

    def attention_reader(self, site: str, *, sample: int = 0) -> AttentionReader:
        """Attention at one site as a thing to read rows, tiles and overviews from."""
        if not self.entries(site, "query") and not self.entries(site, "attention"):
            raise self._absence(site, "attention", {})
        return AttentionReader(self, site, sample)

    def _absence(self, site: str, kind: str, which: Mapping[str, Any]) -> Exception:
        for item in self.missing:
            if item.site == site and item.kind == kind:
                return NotCaptured(f"{kind} at {site!r} was not captured, because {item.reason}")
        if site not in self.sites():
            return UnknownSite.among(site, self.sites(), "recording")
        wanted = "".join(f", {name}={value!r}" for name, value in which.items())
        return NotCaptured(f"no {kind}{wanted} at {site!r}: captured there: {', '.join(self.kinds(site))}")

    # -- adding, keeping, leading out ------------------------------------------------------------

    def add(self, site: str, kind: str, array: NDArray[Any], **fields: Any) -> Entry:
        """Add an array in memory; ``axes``, ``call``, ``step`` and ``attrs`` as in :class:`Entry`."""
        return self.add_entry(Entry.of(site, kind, array, **fields))

    def add_entry(self, entry: Entry) -> Entry:
        """Add an entry whose array may lie anywhere."""
        self._entries.append(entry)
        return entry

    def exchange(self, changed: Mapping[int, Entry]) -> None:
        """Put entries in place of some that were added last, by ``id``."""
        left = len(changed)
        for at in range(len(self._entries) - 1, -1, -1):
            if left and id(self._entries[at]) in changed:
                self._entries[at] = changed[id(self._entries[at])]
                left -= 1
            if not left:
                break

    def replace_entries(self, entries: Sequence[Entry]) -> None:
        """Put other entries in place of all that are here (their arrays have moved)."""
        self._entries = list(entries)

    def save(self, path: str | Path) -> Path:
        """Write everything into a new folder; returns its path. Nothing that exists is overwritten."""
        folder = Folder.create(Path(path))
        folder.append(self._packed(), self.info)
        return folder.path

    def refresh(self) -> int:
        """Read frames that were appended since; returns how many are new. Damaged ones go to ``damage``."""
        if self.folder is None:
            return 0
        before = self._read
        for number, frame in self.folder.read(self._read):
            if isinstance(frame, DamagedFrame):
                self.damage.append(frame)
            else:
                self._take(frame)
            self._read = number + 1
        return self._read - before

    def to_bytes(self) -> bytes:
        """The whole recording as one frame, for another process."""
        return encode_frame(self._packed(), self.info)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recording":
        """Rebuild a recording from :meth:`to_bytes`; checksums are verified as arrays are read."""
        recording = cls()
        recording._take(decode_frame(data, "recording"))
        return recording

    def to_xarray(self) -> "xr.DataTree":
        """Everything as an xarray DataTree: one group per site, one variable per kind."""
        return lead_out.to_xarray(self)

    def to_zarr(self, path: str | Path) -> Path:
        """Write a Zarr store (needs the extra ``data``)."""
        return lead_out.to_zarr(self, Path(path))

    def to_parquet(self, path: str | Path) -> Path:
        """Write one long table of values with their coordinates (needs the extra ``data``)."""
        return lead_out.to_parquet(self, Path(path))

    def __repr__(self) -> str:
        return table.text(self)

    def _repr_html_(self) -> str:
        return table.html(self)

    def _packed(self) -> list[tuple[dict[str, Any], NDArray[Any]]]:
        return [(entry.described(), entry.load()) for entry in self._entries]

    def _take(self, frame: Frame) -> None:
        for described in frame.arrays:
            self._entries.append(Entry.from_described(described, _reader(frame, described["name"])))
        for name, value in frame.info.items():
            self.info[name] = [*self.info.get(name, ()), *value] if name == "missing" else value


def load(path: str | Path) -> Recording:
    """Open a recording's folder; arrays are read when asked for.

    Raises
    ------
    NotARecording
        When the path holds something else. A damaged frame does not raise: it is named in ``damage``
        and the rest opens.
    """
    recording = Recording()
    recording.folder = Folder.open(Path(path))
    recording.refresh()
    return recording


class _reader:
    """Load one array of a frame, verifying its checksum the first time only."""

    def __init__(self, frame: Frame, name: str) -> None:
        self._frame, self._name = frame, name
        self._array: NDArray[Any] | None = None

    def __call__(self) -> NDArray[Any]:
        if self._array is None:
            self._array = self._frame.array(self._name)
        return self._array


def _range(numbers: Sequence[int]) -> str:
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} … {numbers[-1]}"
    return ", ".join(map(str, numbers[:6])) + (" …" if len(numbers) > 6 else "")
