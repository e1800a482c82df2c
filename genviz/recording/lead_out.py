"""Ways out of a recording: xarray, Zarr, Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genviz.errors import MissingExtra, RecordingError
from genviz.recording.entry import Entry
from genviz.recording.labels import label

if TYPE_CHECKING:
    import xarray as xr

    from genviz.recording.recording import Recording


def to_xarray(recording: "Recording") -> "xr.DataTree":
    """One group per site (dots become slashes), one variable per kind, call, step and source."""
    import xarray as xr  # brings pandas: 90 MB, half a second

    groups: dict[str, dict[str, xr.DataArray]] = {}
    for entry in recording.entries():
        path = "/" + entry.site.replace(".", "/")
        groups.setdefault(path, {})[_name(entry, recording)] = _plain(entry, recording)
    return xr.DataTree.from_dict({path: xr.Dataset(arrays) for path, arrays in groups.items()})


def to_zarr(recording: "Recording", path: Path) -> Path:
    """Write a Zarr store that xarray and any Zarr reader open."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise MissingExtra.named("data", "to_zarr()") from None
    _refuse_existing(path)
    to_xarray(recording).to_zarr(path, consolidated=False)
    return path


def to_parquet(recording: "Recording", path: Path) -> Path:
    """Write one long table: ``site, kind, call, step``, one column per axis, ``value``."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra.named("data", "to_parquet()") from None
    _refuse_existing(path)
    axes = sorted({axis for entry in recording.entries() for axis in entry.axes})
    schema = pa.schema(
        [("site", pa.string()), ("kind", pa.string()), ("call", pa.int64()), ("step", pa.int64())]
        + [(f"axis_{axis}", pa.int64()) for axis in axes]
        + [("value", pa.float64())]
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for entry in recording.entries():
            values = entry.load()
            places = dict(zip(entry.axes, np.indices(values.shape), strict=True))
            columns = [[entry.site] * values.size, [entry.kind] * values.size, [entry.call] * values.size]
            columns.append([entry.step] * values.size)
            columns += [places[axis].ravel() if axis in places else [None] * values.size for axis in axes]
            columns.append(values.astype(np.float64).ravel())
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return path


def _name(entry: Entry, recording: "Recording") -> str:
    """The kind alone where it is the only one of its site, else with what tells it from the others."""
    if len(recording.entries(entry.site, entry.kind)) == 1:
        return entry.kind
    source = entry.attrs.get("source")
    step = f"_step{entry.step}" if entry.step is not None else ""
    return f"{entry.kind}{step}_call{entry.call}" + (f"_{source}" if source else "")


def _plain(entry: Entry, recording: "Recording") -> "xr.DataArray":
    """Axes named for this variable alone, so that calls of different length share a group."""
    name = _name(entry, recording)
    array = label(entry, entry.load(), recording.info).reset_coords(drop=True)
    array = array.drop_vars(list(array.coords))
    array.attrs = {key: str(value) for key, value in array.attrs.items()}
    return array.rename({axis: f"{name}_{axis}" for axis in array.dims})


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise RecordingError(f"{path} exists already: choose another name or remove it first")
