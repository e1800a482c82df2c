"""``genviz.write``: figures into a file that is there complete, or not at all."""

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from genviz.errors import ExportError
from genviz.export.base import Options, Slide
from genviz.export.registry import WRITERS, writer_for

Item: TypeAlias = go.Figure | Slide


def write(
    figures: Item | Sequence[Item],
    path: str | os.PathLike[str],
    *,
    theme: str | None = None,
    width: int | None = None,
    height: int | None = None,
    scale: float | None = None,
    timeout: float = 60.0,
) -> Path:
    """Write figures to a file; its ending says the format.

    ``.pptx``, ``.pdf`` and ``.html`` hold any number of figures; ``.png``, ``.svg``, ``.json`` (the figure)
    and ``.csv`` (the numbers behind it) hold one. Nothing in a file points to the network or to another file.

    Parameters
    ----------
    figures : Figure, Slide or sequence of them
        Not changed.
    path : path-like
        The file appears under this name when it is complete; an older one is replaced then.
    theme : {None, "light", "dark"}
        None keeps every figure as it is.
    width, height : int, optional
        Logical pixels; a figure's own size, else 1280 × 720.
    scale : float, optional
        Image pixels per logical pixel; 2 for PNG, 3 in PowerPoint.
    timeout : float
        Seconds that drawing one figure may take.

    Returns
    -------
    Path
        The path given.

    Raises
    ------
    UnknownFormat
        When no writer is registered for the ending; says which there are.
    MissingBrowser
        When the format needs Chromium and there is none.
    ExportError
        When there are no figures, or more than the format holds, or the target cannot be written.

    Examples
    --------
    >>> write([figure, Slide(other, title="Heads")], "talk.pptx")  # doctest: +SKIP
    PosixPath('talk.pptx')
    """
    target = Path(path)
    options = Options(theme, width, height, scale, timeout)
    writer = writer_for(target)
    slides = as_slides(figures)
    if len(slides) > 1 and not writer.many:
        many = [suffix for suffix, other in WRITERS.items() if other.many]
        raise ExportError(
            f"{target.name} holds one figure and {len(slides)} were given: write each to a file of its own, "
            f"or all of them to one of {', '.join(many)}"
        )
    _check_target(target)
    _replace(target, lambda temporary: writer.write(slides, temporary, options))
    return target


def as_slides(figures: Item | Sequence[Item]) -> tuple[Slide, ...]:
    """What was given to :func:`write` as slides.

    Raises
    ------
    ExportError
        When there is nothing to write, or something that is not a figure.
    """
    items: Any = [figures] if isinstance(figures, BaseFigure | Slide) else figures
    if isinstance(items, str | bytes | dict) or not hasattr(items, "__iter__"):
        raise ExportError(
            "write takes a plotly Figure, a genviz Slide, or a sequence of them; "
            f"{type(items).__name__} was given"
        )
    slides = tuple(item if isinstance(item, Slide) else Slide(item) for item in items)
    for number, slide in enumerate(slides):
        if not isinstance(slide.figure, BaseFigure):
            raise ExportError(
                f"figures[{number}] is a {type(slide.figure).__name__}, not a plotly Figure or a genviz Slide"
            )
    if not slides:
        raise ExportError("no figures to write: the sequence is empty")
    return slides


def _check_target(target: Path) -> None:
    """Say what is wrong with the target before anything is drawn."""
    folder = target.parent
    if target.is_dir():
        raise ExportError(f"{target} is a folder: give the name of a file in it")
    if not folder.is_dir():
        raise ExportError(f"cannot write {target}: the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(f"cannot write {target}: no permission to write in the folder {folder}")


def _replace(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new file beside the target, flush it to disk, and rename it over the target."""
    real = target.resolve()  # a link stays a link
    temporary = real.with_name(f".{real.stem[:80]}.{secrets.token_hex(6)}{real.suffix}")
    try:
        fill(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(real)
        _flush_folder(real.parent)
    except OSError as problem:
        raise ExportError(f"cannot write {target}: {problem.strerror or problem}") from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a loss of power, where folders can be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
