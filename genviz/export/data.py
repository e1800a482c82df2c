"""JSON (the figure itself) and CSV (the numbers behind it); neither needs a browser."""

import csv
from collections.abc import Sequence
from pathlib import Path

from plotly.io.json import to_json_plotly

from genviz.errors import ExportError
from genviz.export.base import Options, Slide
from genviz.export.cells import cell
from genviz.export.clean import as_json
from genviz.export.numbers import columns, tables


def write_json(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write one figure as plotly JSON; ``plotly.io.read_json`` reads it back."""
    path.write_text(to_json_plotly(as_json(slides[0].figure, options.theme)), encoding="utf-8")


def write_csv(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write the numbers of one figure, one row for each point or cell of each trace.

    Raises
    ------
    ExportError
        When the figure has no numbers, because it only shows pictures or words.
    """
    found = [table for table in tables(slides[0].figure) if table.length]
    if not found:
        raise ExportError(
            "the figure holds no numbers to write (it shows a picture or words only): use .png, .svg or .json"
        )
    names = columns(found)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(map(cell, names))
        for table in found:
            out.writerows([cell(value) for value in row] for row in table.rows(names))
