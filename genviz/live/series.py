"""Reading a series of numbers: an array, or a column of a CSV file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.errors import LiveError

SHORTEST, LONGEST = 12, 100_000


@dataclass(frozen=True)
class Series:
    """Values in the order of time.

    Parameters
    ----------
    values : float array, (time,)
    times : sequence of str
        What each moment is called.
    name : str
        Of what is measured.
    """

    values: NDArray[np.float64]
    times: tuple[str, ...]
    name: str = "value"


def as_series(values: Any, times: Sequence[Any] = (), name: str = "value") -> Series:
    """Check a series.

    Raises
    ------
    LiveError
        When it is not one row of enough numbers, or the times do not fit.
    """
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise LiveError("the series is not made of numbers: give one array, a value per moment") from None
    if found.ndim != 1 or not SHORTEST <= len(found) <= LONGEST:
        raise LiveError(
            f"the series has the shape {found.shape}: give one row of {SHORTEST} to {LONGEST:,} values"
        )
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise LiveError(
            f"value {bad[0]} of the series is {found[bad[0]]}: fill it in or leave it out, every moment "
            "needs a number"
        )
    if found.min() == found.max():
        raise LiveError(f"all values of the series are {found[0]:g}: there is nothing to forecast")
    named = tuple(str(each) for each in times) or tuple(map(str, range(len(found))))
    if len(named) != len(found):
        raise LiveError(f"{len(named)} times for {len(found)} values: give one per value, or none")
    return Series(found, named, name)


def read_series(path: Path) -> Series:
    """Read a CSV file: its last column of numbers is the series, its first column says when.

    A first line without numbers names the columns.

    Raises
    ------
    LiveError
        When there is no such column, or a row lacks its number: says which.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, _dialect(file)) if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LiveError(f"{path} cannot be read as CSV: {error}") from None
    if not rows:
        raise LiveError(f"{path} is empty: give a row per moment")
    header, body = (rows[0], rows[1:]) if not any(map(_is_number, rows[0])) else ([], rows)
    width = max(map(len, rows))
    numeric = [
        at for at in range(width) if body and any(at < len(r) and _is_number(r[at]) for r in body[:20])
    ]
    if not numeric:
        raise LiveError(
            f"{path} has no column of numbers: give a row per moment, the value in its last column"
        )
    column = numeric[-1]
    for line, row in enumerate(body, 1 + bool(header)):
        if column >= len(row) or not _is_number(row[column]):
            held = row[column] if column < len(row) else ""
            raise LiveError(f"row {line} of {path} has {held!r} instead of a number in column {column + 1}")
    name = header[column].strip() if column < len(header) else path.stem
    times = [row[0].strip() for row in body] if column > 0 else []
    return as_series([float(row[column]) for row in body], times, name or path.stem)


def _dialect(file: Any) -> Any:
    sample = file.read(4096)
    file.seek(0)
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t")
    except csv.Error:
        return csv.excel  # one column


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
