"""What a writer is: a file ending, whether it takes many figures, and a function that writes a file."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from genviz.errors import ExportError

THEMES = (None, "light", "dark")
WIDTH, HEIGHT = 1280, 720  # logical pixels of a slide: 13.333 × 7.5 inches at 96 per inch
LIMIT = 16_384  # pixels a side; Chromium's canvas ends there


@dataclass(frozen=True)
class Slide:
    """A figure and the words that go with it.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    title, caption, notes : str
        Plain text, never read as markup. Without a title, the figure's own title becomes that of the slide.

    Examples
    --------
    >>> slide = Slide(go.Figure(go.Bar(y=[1, 3])), title="Two bars", caption="The second is taller.")
    """

    figure: go.Figure
    title: str = ""
    caption: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Options:
    """How to draw: the arguments of :func:`genviz.write` that every writer gets.

    Parameters
    ----------
    theme : {None, "light", "dark"}
        None keeps every figure as it is.
    width, height : int, optional
        Logical pixels of a picture; a figure's own size, else 1280 × 720.
    scale : float, optional
        Image pixels per logical pixel; each format has its own good value.
    timeout : float
        Seconds that drawing one figure may take.
    """

    theme: str | None = None
    width: int | None = None
    height: int | None = None
    scale: float | None = None
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise ExportError(f"theme={self.theme!r} does not fit: light, dark, or None (as the figure is)")
        for name in ("width", "height", "scale", "timeout"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value > 0 and math.isfinite(value)):
                raise ExportError(f"{name}={value!r} does not fit: it must be a number above 0")

    def size(self, layout: dict[str, Any]) -> tuple[int, int]:
        """Logical width and height of a figure with this layout (plain JSON)."""
        width = self.width or layout.get("width") or WIDTH
        height = self.height or layout.get("height") or HEIGHT
        return round(width), round(height)

    def magnification(self, size: tuple[int, int], usual: float) -> float:
        """Image pixels per logical pixel for a picture of this size.

        Raises
        ------
        ExportError
            When the image would be larger than a browser can draw.
        """
        scale = self.scale or usual
        if max(size) * scale > LIMIT:
            wanted = " × ".join(str(round(side * scale)) for side in size)
            raise ExportError(
                f"{size[0]} × {size[1]} at scale {scale:g} is {wanted} pixels: a side can have {LIMIT} at "
                "most; give a smaller width, height or scale, or use .svg or .pdf, which have no pixels"
            )
        return scale


@dataclass(frozen=True)
class Writer:
    """One file format.

    Parameters
    ----------
    suffix : str
        The file ending with its dot, in lower case.
    many : bool
        Whether one file can hold several figures; if not, ``write`` gets exactly one slide.
    write : callable
        ``write(slides, path, options)`` creates the file. The path is a temporary one beside the target:
        :func:`genviz.write` flushes and renames it, so that half a file never has the name asked for.
    """

    suffix: str
    many: bool
    write: Callable[[Sequence[Slide], Path, Options], None]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
