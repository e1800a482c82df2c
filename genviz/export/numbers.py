"""The numbers of a figure as tables: a row for each point, bar, cell or link."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.export.clean import clean_words
from genviz.figures.cells import is_written

# Arrays that style a trace and are no data.
_STYLE = frozenset(
    {
        "colorscale",
        "colorbar",
        "domain",
        "hoverlabel",
        "meta",
        "selectedpoints",
        "tickvals",
        "ticktext",
        "font",
        "textfont",
        "columnwidth",
        "stream",
    }
)
_GRIDS = frozenset({"heatmap", "contour", "surface", "image"})


@dataclass(frozen=True)
class Table:
    """Columns of one trace, aligned by row; shorter ones end early."""

    fixed: Mapping[str, Any]
    columns: Mapping[str, np.ndarray]

    @property
    def length(self) -> int:
        """Number of rows."""
        return max((len(values) for values in self.columns.values()), default=0)

    def rows(self, names: Sequence[str]) -> Iterator[list[Any]]:
        """Rows with the columns of the whole file; None where this trace has none."""
        for row in range(self.length):
            yield [self._at(name, row) for name in names]

    def _at(self, name: str, row: int) -> Any:
        if name in self.fixed:
            return self.fixed[name]
        values = self.columns.get(name)
        return values[row] if values is not None and row < len(values) else None


def tables(figure: go.Figure) -> list[Table]:
    """One table for each trace, of the figure first and then of its frames.

    What is only written into cells has none: its numbers are the cells'.
    """
    parts = [(None, figure.data), *((frame.name, frame.data) for frame in figure.frames)]
    return [
        _table(trace.to_plotly_json(), number, frame)
        for frame, traces in parts
        for number, trace in enumerate(traces or ())
        if not is_written(trace.to_plotly_json())
    ]


def columns(found: Iterable[Table]) -> list[str]:
    """Every column of some tables, those that all have first, then in the order of the traces."""
    listed = list(found)
    fixed = [
        name
        for name in ("frame", "trace", "name")
        if any(table.fixed.get(name) is not None for table in listed)
    ]
    return [*fixed, *dict.fromkeys(name for table in listed for name in table.columns)]


def _table(trace: dict[str, Any], number: int, frame: str | None) -> Table:
    fixed = {"frame": frame, "trace": number, "name": trace.get("name")}
    z = _array(trace.get("z"))
    if trace.get("type") == "table":
        return Table(fixed, _cells(trace))
    if trace.get("type") in _GRIDS and z is not None and z.ndim >= 2:
        return Table(fixed, _grid(trace, z))
    return Table(fixed, _points(trace))


def _points(trace: dict[str, Any]) -> dict[str, np.ndarray]:
    """Every array of the trace under its path, and the positions that plotly counts itself."""
    found = dict(_leaves(trace, ""))
    if trace.get("type", "scatter") in ("scatter", "scattergl", "bar"):
        for axis, other in (("x", "y"), ("y", "x")):
            if axis not in found and other in found:
                found[axis] = _counted(trace, axis, len(found[other]))
    first = [name for name in ("x", "y", "z", "text") if name in found]
    return {name: found[name] for name in dict.fromkeys((*first, *found))}


def _cells(trace: dict[str, Any]) -> dict[str, np.ndarray]:
    """The columns of a table under their headings."""
    headings = trace.get("header", {}).get("values") or ()
    found: dict[str, np.ndarray] = {}
    for number, column in enumerate(trace.get("cells", {}).get("values") or ()):
        heading = clean_words(str(headings[number])) if number < len(headings) else ""
        values = _array(list(column))
        if values is not None:
            found[heading if heading and heading not in found else f"{heading}[{number}]"] = values
    return found


def _grid(trace: dict[str, Any], z: np.ndarray) -> dict[str, np.ndarray]:
    """A row for each cell: x, y, and every array that has the grid's shape."""
    turned = bool(trace.get("transpose"))
    z = np.swapaxes(z, 0, 1) if turned else z
    height, width = z.shape[:2]
    found = _positions(trace, "x", (height, width), 1) | _positions(trace, "y", (height, width), 0)
    for name in ("z", "text", "hovertext", "customdata", "surfacecolor"):
        values = _array(trace.get(name))
        if values is None:
            continue
        values = np.swapaxes(values, 0, 1) if turned and values.ndim >= 2 else values
        if values.shape[:2] == (height, width):
            found |= _split(name, values.reshape(height * width, *values.shape[2:]))
    return found


def _positions(trace: dict[str, Any], axis: str, shape: tuple[int, int], along: int) -> dict[str, np.ndarray]:
    """Coordinate of each cell along an axis; of its lower edge (``x_from``) when edges were given."""
    values, size = _array(trace.get(axis)), shape[along]
    if values is not None and values.shape == shape:  # a surface over a bent grid
        return {axis: values.reshape(-1)}
    name = axis if values is None or len(values) == size else f"{axis}_from"
    line = _counted(trace, axis, size) if values is None else _padded(values, size)
    spread = line[None, :] if along == 1 else line[:, None]
    return {name: np.broadcast_to(spread, shape).reshape(-1)}


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    if len(values) >= size:
        return values[:size]
    return np.concatenate([values.astype(object), np.full(size - len(values), None)])


def _counted(trace: dict[str, Any], axis: str, size: int) -> np.ndarray:
    start, step = trace.get(f"{axis}0", 0), trace.get(f"d{axis}", 1)
    return np.arange(size) * step + start if isinstance(start, int | float) else np.arange(size)


def _leaves(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays in a trace with their dotted path; the columns of two-dimensional ones get a number."""
    for name, inner in value.items():
        if name in _STYLE:
            continue
        array = _array(inner)
        if array is not None:
            yield from _split(path + name, array).items()
        elif isinstance(inner, Mapping):
            yield from _leaves(inner, f"{path}{name}.")
        elif isinstance(inner, list | tuple):
            for number, item in enumerate(inner):
                if isinstance(item, Mapping):
                    yield from _leaves(item, f"{path}{name}[{item.get('label', number)}].")


def _split(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    if values.ndim <= 1:
        return {name: values}
    flat = values.reshape(len(values), -1)
    return {f"{name}[{number}]": flat[:, number] for number in range(flat.shape[1])}


def _array(value: Any) -> np.ndarray | None:
    """The array behind a value: numpy, a list, or plotly's typed base64; None for anything else."""
    if isinstance(value, Mapping) and "bdata" in value:
        return _decoded(value)
    if isinstance(value, list | tuple):
        if not value or any(isinstance(item, Mapping) for item in value):
            return None
        value = _ragged(value)
    if not hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    return array if array.ndim >= 1 and array.size else None


def _ragged(rows: Sequence[Any]) -> np.ndarray:
    """A list as an array; rows of different lengths stay objects."""
    try:
        return np.asarray(rows) if not _mixed(rows) else np.asarray(rows, dtype=object)
    except ValueError:
        width = max(len(row) if isinstance(row, Sequence) else 1 for row in rows)
        filled = np.full((len(rows), width), None, dtype=object)
        for number, row in enumerate(rows):
            cells = list(row) if isinstance(row, Sequence) and not isinstance(row, str) else [row]
            filled[number, : len(cells)] = cells
        return filled


def _mixed(rows: Sequence[Any]) -> bool:
    """Whether numpy would turn numbers into text."""
    flat = [item for row in rows for item in (row if isinstance(row, list | tuple) else (row,))]
    return any(isinstance(item, str) for item in flat) or any(item is None for item in flat)


def _decoded(spec: Mapping[str, Any]) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(spec["bdata"]), dtype=np.dtype(spec["dtype"]).newbyteorder("<"))
    shape = spec.get("shape")
    return data if shape is None else data.reshape([int(size) for size in str(shape).split(",")])
