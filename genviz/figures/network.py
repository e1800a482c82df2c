"""The module tree of a model: boxes within boxes, which open and close on a click."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from genviz.figures.base import blank
from genviz.figures.colours import mix
from genviz.figures.text import clean, count
from genviz.figures.theme import SIZE, palette

Module = Mapping[str, Any]
ROOMY_UP_TO = 16  # innermost boxes up to which there is room for two lines in each


@dataclass
class _Boxes:
    """Columns of the icicle, filled while the tree is walked."""

    ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    modules: list[tuple[Module, int]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)
    hover: list[str] = field(default_factory=list)


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
    boxes = _Boxes()
    _add(boxes, tree, "", 1, fold, by_parameters)
    total = max(int(tree["parameters"]), 1)
    roomy = len(boxes.ids) - len(set(boxes.parents)) + 1 <= ROOMY_UP_TO
    texts = [_text(*shown, roomy=roomy) for shown in boxes.modules]
    colours = [_colour(share / total, theme) for share in boxes.parameters]
    figure = blank(theme, clean(title), margin={"l": 12, "r": 12, "t": 52, "b": 12})
    figure.add_trace(
        go.Icicle(
            ids=boxes.ids,
            parents=boxes.parents,
            labels=boxes.labels,
            values=boxes.values,
            text=texts,
            customdata=boxes.hover,
            branchvalues="total",
            maxdepth=depth,
            sort=False,
            tiling={"orientation": "h", "pad": 3},
            texttemplate="<b>%{label}</b> %{text}",
            hovertemplate="%{customdata}<extra></extra>",
            textfont={"size": SIZE - 1, "color": palette(theme).text},
            marker={"colors": colours, "line": {"width": 1, "color": palette(theme).line}},
            pathbar={"thickness": 28, "textfont": {"size": SIZE - 1}},
        )
    )
    return figure


def _add(boxes: _Boxes, module: Module, parent: str, times: int, fold: bool, by_parameters: bool) -> float:
    """Add a module and what is in it; returns its height."""
    name = str(module["name"]).rpartition(".")[2]
    here = f"{parent}/{name}" if parent else name or "model"
    place = len(boxes.ids)
    boxes.ids.append(here)
    boxes.parents.append(parent)
    boxes.labels.append(_label(name, times))
    boxes.modules.append((module, times))
    boxes.hover.append(_hover(module, here, times))
    boxes.parameters.append(int(module["parameters"]) * times)
    boxes.values.append(0.0)
    height = 0.0
    for child, repeated in _runs(module.get("children") or (), fold):
        height += _add(boxes, child, here, repeated, fold, by_parameters)
    boxes.values[place] = height or (max(float(module["parameters"]), 1.0) if by_parameters else 1.0)
    return boxes.values[place]


def _runs(children: Sequence[Module], fold: bool) -> list[tuple[Module, int]]:
    """Neighbours that are built alike, each once with how often it comes."""
    runs: list[tuple[Module, int]] = []
    for child in children:
        if fold and runs and _alike(runs[-1][0], child):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((child, 1))
    return runs


def _alike(first: Module, second: Module) -> bool:
    same = all(first.get(key) == second.get(key) for key in ("class", "parameters", "shape"))
    pairs = list(first.get("children") or ()), list(second.get("children") or ())
    return (
        same
        and bool(pairs[0])
        and len(pairs[0]) == len(pairs[1])
        and all(a["name"] == b["name"] and _alike_leaf(a, b) for a, b in zip(*pairs, strict=True))
    )


def _alike_leaf(first: Module, second: Module) -> bool:
    return bool(first["class"] == second["class"] and first["parameters"] == second["parameters"])


def _label(name: str, times: int) -> str:
    return clean(name or "model", 40) + (f" … ×{times}" if times > 1 else "")


def _text(module: Module, times: int, *, roomy: bool) -> str:
    """Class, and on a second line, where boxes are high enough for one, output shape and parameters."""
    details = []
    if module.get("shape"):
        details.append("→ " + _shape(module["shape"]))
    if module["parameters"]:
        details.append(count(int(module["parameters"])) + (" each" if times > 1 else ""))
    name = clean(module["class"], 40)
    return f"{name}<br>{' · '.join(details)}" if roomy and details else name


def _shape(shape: Any) -> str:
    return clean("×".join(map(str, shape)) if isinstance(shape, list | tuple) else shape)


def _hover(module: Module, path: str, times: int) -> str:
    lines = [f"<b>{clean(path.replace('/', '.'), 200)}</b>", clean(module["class"])]
    lines.append(f"{int(module['parameters']):,} parameters, {int(module.get('bytes') or 0):,} B")
    if times > 1:
        lines.append(f"{times} alike, together {int(module['parameters']) * times:,} parameters")
    lines.append(
        f"output shape {_shape(module['shape'])}" if module.get("shape") else "output shape not recorded"
    )
    return "<br>".join(lines)


def _colour(share: float, theme: str) -> str:
    """Stronger for a larger share of the parameters; by its square root, so that small parts differ too."""
    return mix(palette(theme).panel, palette(theme).accent, 0.06 + 0.5 * min(share, 1.0) ** 0.5)
