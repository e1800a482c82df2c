"""The module tree of a model: boxes within boxes, which open and close on a click."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from genviz.figures.base import blank
from genviz.figures.colours import mix
from genviz.figures.text import clean, count
from genviz.figures.theme import SIZE, palette

Module = Mapping[str, Any]
LINES = 14  # rows of boxes that have room for two lines of text each


@dataclass
class _Box:
    """One box: a module, or a run of equal ones."""

    path: str
    parent: str
    module: Module
    names: tuple[str, ...]
    level: int
    height: float = 0.0

    @property
    def times(self) -> int:
        return len(self.names)

    @property
    def inside(self) -> bool:
        return bool(self.module.get("children"))


def network(
    tree: Module,
    *,
    fold: bool = True,
    depth: int = 4,
    by_parameters: bool = False,
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the tree; a click on a box opens it, a click on the path above closes it.

    Parameters
    ----------
    tree : mapping
        ``info["network"]``: ``name, class, parameters, bytes, children, shape``.
    fold : bool
        Draw a run of equal modules (the blocks of a transformer) once, with how many there are.
    depth : int
        Levels shown at once; deeper ones appear on a click.
    by_parameters : bool
        Height by share of parameters; else every innermost module is equally high.
    title : str
    theme : {"light", "dark"}
    """
    boxes: list[_Box] = []
    _add(boxes, _Box("", "", tree, (str(tree["name"]),), 1), fold, by_parameters=by_parameters)
    total = max(int(tree["parameters"]), 1)
    figure = blank(theme, clean(title, 120), margin={"l": 12, "r": 12, "t": 52, "b": 12})
    figure.add_trace(
        go.Icicle(
            ids=[box.path for box in boxes],
            parents=[box.parent for box in boxes],
            labels=[_label(box) for box in boxes],
            values=[box.height for box in boxes],
            text=[_text(box, depth, roomy=box.height / boxes[0].height >= 1 / LINES) for box in boxes],
            customdata=[_hover(box) for box in boxes],
            branchvalues="total",
            maxdepth=depth,
            sort=False,
            tiling={"orientation": "h", "pad": 3},
            texttemplate="<b>%{label}</b> %{text}",
            hovertemplate="%{customdata}<extra></extra>",
            textfont={"size": SIZE - 1, "color": palette(theme).text},
            marker={
                "colors": [
                    _colour(int(box.module["parameters"]) * box.times / total, theme) for box in boxes
                ],
                "line": {"width": 1, "color": palette(theme).line},
            },
            pathbar={"thickness": 28, "textfont": {"size": SIZE - 1}},
        )
    )
    return figure


def _add(boxes: list[_Box], box: _Box, fold: bool, *, by_parameters: bool) -> float:
    """Add a box and what is in it; returns its height."""
    own = box.names[0].rpartition(".")[2]
    box.path = f"{box.parent}/{own}" if box.parent else own or "model"
    boxes.append(box)
    for child, names in _runs(box.module.get("children") or (), fold):
        inner = _Box("", box.path, child, names, box.level + 1)
        box.height += _add(boxes, inner, fold, by_parameters=by_parameters)
    if not box.height:
        box.height = max(float(box.module["parameters"]), 1.0) if by_parameters else 1.0
    return box.height


def _runs(children: Sequence[Module], fold: bool) -> list[tuple[Module, tuple[str, ...]]]:
    """Neighbours that are built alike, each run once with the names in it."""
    runs: list[tuple[Module, tuple[str, ...]]] = []
    for child in children:
        if fold and runs and child.get("children") and _alike(runs[-1][0], child):
            runs[-1] = (runs[-1][0], (*runs[-1][1], str(child["name"])))
        else:
            runs.append((child, (str(child["name"]),)))
    return runs


def _alike(first: Module, second: Module) -> bool:
    """Tell whether two modules are built of the same parts, all the way down."""
    if any(first.get(key) != second.get(key) for key in ("class", "parameters", "shape")):
        return False
    inner = list(first.get("children") or ()), list(second.get("children") or ())
    return len(inner[0]) == len(inner[1]) and all(
        _own_name(a) == _own_name(b) and _alike(a, b) for a, b in zip(*inner, strict=True)
    )


def _own_name(module: Module) -> str:
    return str(module["name"]).rpartition(".")[2]


def _label(box: _Box) -> str:
    names = [clean(name.rpartition(".")[2] or "model", 40) for name in (box.names[0], box.names[-1])]
    return names[0] if box.times == 1 else " … ".join(names)


def _text(box: _Box, depth: int, *, roomy: bool) -> str:
    """Class, and on a second line, where the box is high enough for one, output shape and parameters."""
    name = clean(box.module["class"], 40)
    name = f"{box.times} × {name}" if box.times > 1 else name
    if box.inside and box.level == depth:
        name += " ▸"  # a click shows what is inside
    details = ["→ " + _shape(box.module["shape"])] if box.module.get("shape") else []
    if box.module["parameters"]:
        details.append(count(int(box.module["parameters"])) + (" each" if box.times > 1 else ""))
    return f"{name}<br>{' · '.join(details)}" if roomy and details else name


def _shape(shape: Any) -> str:
    return clean("×".join(map(str, shape)) if isinstance(shape, list | tuple) else shape)


def _hover(box: _Box) -> str:
    module, parameters = box.module, int(box.module["parameters"])
    lines = [f"<b>{clean(box.path.replace('/', '.'), 200)}</b>", clean(module["class"])]
    lines.append(f"{parameters:,} parameters, {int(module.get('bytes') or 0):,} B")
    if box.times > 1:
        lines.append(f"{box.times} alike, together {parameters * box.times:,} parameters")
    lines.append(
        f"output shape {_shape(module['shape'])}" if module.get("shape") else "output shape not recorded"
    )
    return "<br>".join(lines)


def _colour(share: float, theme: str) -> str:
    """Stronger for a larger share of the parameters; by its square root, so that small parts differ too."""
    return mix(palette(theme).panel, palette(theme).accent, 0.06 + 0.5 * min(share, 1.0) ** 0.5)
