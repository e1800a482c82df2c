"""The file formats, by ending."""

from importlib.metadata import entry_points
from pathlib import Path

from genviz.errors import ExportError, UnknownFormat
from genviz.export.base import Writer
from genviz.export.data import write_csv, write_json
from genviz.export.images import write_png, write_svg
from genviz.export.pdf import write_pdf
from genviz.export.pptx import write_pptx
from genviz.export.web import write_html

GROUP = "genviz.writers"  # an entry point is named after its ending (".mp4") and gives a Writer

WRITERS: dict[str, Writer] = {
    # pictures of one figure
    ".png": Writer(".png", many=False, write=write_png),
    ".svg": Writer(".svg", many=False, write=write_svg),
    # any number of figures
    ".pdf": Writer(".pdf", many=True, write=write_pdf),
    ".html": Writer(".html", many=True, write=write_html),
    ".pptx": Writer(".pptx", many=True, write=write_pptx),
    # no picture: the figure, and the numbers behind it
    ".json": Writer(".json", many=False, write=write_json),
    ".csv": Writer(".csv", many=False, write=write_csv),
}


def suffixes() -> tuple[str, ...]:
    """Every ending that can be written: genviz's own, then those that other packages add."""
    return tuple(dict.fromkeys((*WRITERS, *(point.name for point in entry_points(group=GROUP)))))


def writer_for(path: Path) -> Writer:
    """The writer for a path's ending.

    Raises
    ------
    UnknownFormat
        When there is none; says which endings there are.
    ExportError
        When the package that adds it cannot be loaded or gives something else.
    """
    suffix = path.suffix.lower()
    if suffix in WRITERS:
        return WRITERS[suffix]
    if not suffix or suffix not in suffixes():
        found = f"no writer for {suffix!r}" if suffix else f"{path.name!r} has no ending that names a format"
        raise UnknownFormat(f"{found}: the formats are {', '.join(suffixes())}")
    point = next(iter(entry_points(group=GROUP, name=suffix)))
    try:
        writer = point.load()
    except Exception as problem:
        raise ExportError(f"the writer for {suffix} ({point.value}) cannot be loaded: {problem}") from problem
    if not isinstance(writer, Writer):
        raise ExportError(
            f"the entry point {point.value} for {suffix} gives {type(writer).__name__}, not a Writer"
        )
    return writer
