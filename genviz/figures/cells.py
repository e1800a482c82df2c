"""Words and numbers in the cells of a heat map, in an ink that can be read on each cell's colour."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.colours import rgb, table
from genviz.figures.theme import SIZE

_ON = "written on"  # in the meta of what is written: the number of its heat map
_VALUE = re.compile(r"%\{z:([^}]*)\}")
INKS = ("#ffffff", "#000000")  # one of them has a contrast of 4.58 or more on any colour


def legible(figure: go.Figure) -> None:
    """Write what stands in the cells of heat maps as text of its own, each in the ink that stands out best.

    Plotly's own text in cells is white or a middle grey, whose contrast with a middle blue is 2 to 3 where
    4.5 is asked for (WCAG 2.2, 1.4.3). A heat map's ``texttemplate`` (``%{text}``, ``%{z:…}``) ends here.
    """
    for number, trace in enumerate(list(figure.data)):
        if trace.type == "heatmap" and trace.texttemplate and trace.colorscale:
            figure.add_trace(written_in(trace, number))
            trace.texttemplate = None


def is_written(trace: dict[str, Any]) -> bool:
    """Tell whether a trace (plain JSON) is what :func:`legible` wrote."""
    meta = trace.get("meta")
    return isinstance(meta, dict) and _ON in meta


def in_new_ink(traces: list[dict[str, Any]]) -> None:
    """Choose the inks again, after the colours of heat maps (plain JSON) were exchanged."""
    for trace in filter(is_written, traces):
        scale = table([tuple(stop) for stop in traces[trace["meta"][_ON]]["colorscale"]])
        trace["textfont"] = {**trace["textfont"], "color": _inks(scale, trace["customdata"])}


def ink(colours: NDArray[Any]) -> NDArray[np.str_]:
    """Choose the ink with the larger contrast on each colour.

    Parameters
    ----------
    colours : array (cell, 3)
        Red, green, blue, 0 … 255.

    Examples
    --------
    >>> ink(np.array([[255, 255, 255], [0, 0, 128]])).tolist()
    ['#000000', '#ffffff']
    """
    ratios = [contrast(colours, np.array(rgb(each))) for each in INKS]
    return np.where(ratios[0] > ratios[1], *INKS)


def contrast(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Contrast ratio of colours, 1 … 21, by the formula of WCAG 2.2; shapes (..., 3) that broadcast."""
    lights = [_luminance(np.asarray(colours, np.float64) / 255) for colours in (first, second)]
    high, low = np.maximum(*lights), np.minimum(*lights)
    return np.asarray((high + 0.05) / (low + 0.05))


def _luminance(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def _inks(scale: NDArray[Any], shares: Sequence[float]) -> list[str]:
    """Inks for places on a scale, 0 … 1."""
    found: list[str] = ink(scale[np.rint(np.asarray(shares) * 255).astype(int)]).tolist()
    return found


def written_in(trace: go.Heatmap, number: int) -> go.Scatter:
    """What the ``texttemplate`` of a heat map says, as text of its own.

    Parameters
    ----------
    trace : Heatmap
    number : int
        Its place among the traces of the figure.
    """
    values = np.asarray(trace.z, np.float64)
    rows, columns = np.nonzero(np.isfinite(values))
    low, high = (
        given if given is not None else found(values[rows, columns], initial=0)
        for given, found in ((trace.zmin, np.min), (trace.zmax, np.max))
    )
    shares = np.clip((values[rows, columns] - low) / ((high - low) or 1), 0, 1).round(4).tolist()
    scale = table([tuple(stop) for stop in trace.colorscale])
    return go.Scatter(
        x=_along(trace, "x", values.shape[1])[columns], y=_along(trace, "y", values.shape[0])[rows],
        mode="text", text=_texts(trace, values, rows, columns), hoverinfo="skip", showlegend=False,
        textfont={"color": _inks(scale, shares), "size": trace.textfont.size or SIZE},
        xaxis=trace.xaxis, yaxis=trace.yaxis, meta={_ON: number}, customdata=shares,
        name=f"{trace.name or 'heat map'}, written",
    )  # fmt: skip


def _along(trace: go.Heatmap, axis: str, count: int) -> NDArray[Any]:
    """Where the cells' middles lie on an axis."""
    given, start, step = trace[axis], trace[f"{axis}0"], trace[f"d{axis}"]
    if given is not None:
        return np.asarray(given) if np.asarray(given).dtype.kind in "OU" else plain(given)
    return plain((0 if start is None else start) + (1 if step is None else step) * np.arange(count))


def _texts(trace: go.Heatmap, values: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any]) -> list[str]:
    """The template of each cell, filled in: its text, and its value in a format."""
    return [
        _filled(
            trace.texttemplate, "" if trace.text is None else trace.text[row][column], values[row, column]
        )
        for row, column in zip(rows, columns, strict=True)
    ]


def _filled(template: str, text: str, value: float) -> str:
    with_text = template.replace("%{text}", str(text))
    return _VALUE.sub(lambda form: format(float(value), form[1]).replace("-", "−"), with_text)
