"""How large the model is, in the numbers people quote."""

from typing import Any

import plotly.graph_objects as go

from genviz.figures import tables
from genviz.figures.text import count
from genviz.recording.table import size
from genviz.views.base import View
from genviz.views.subject import Subject

#: Facts in the order of the table: name, title, what it means.
FACTS: tuple[tuple[str, str, str], ...] = (
    ("n_params", "parameters", "numbers that training sets; shared ones counted once"),
    ("n_layers", "layers", "blocks one after the other"),
    ("d_model", "model width", "length of the vector that stands for one token"),
    ("n_heads", "heads", "attention heads side by side in a layer"),
    ("d_head", "head width", "length of a query or key of one head"),
    ("context", "context", "most tokens the model can see at once"),
    ("vocab", "vocabulary", "different tokens the model knows"),
    ("bytes", "size in memory", "of the parameters, as they are stored"),
)
UNTOLD = "not told by this model"


def _shown(name: str, value: Any) -> str:
    if value is None:
        return UNTOLD
    if name == "bytes":
        return f"{size(float(value))} ({int(value):,} B)" if value >= 1000 else f"{int(value):,} B"
    if isinstance(value, int | float) and value >= 10_000:
        return f"{value:,} ({count(value)})"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _draw(subject: Subject, *, theme: str) -> go.Figure:
    facts = subject.info["facts"]
    rows = [(title, name, _shown(name, facts.get(name)), meaning) for name, title, meaning in FACTS]
    known = {name for name, _, _ in FACTS}
    rows += [(name, name, _shown(name, value), "") for name, value in facts.items() if name not in known]
    return tables.table(
        ("what", "also called", "value", "meaning"),
        rows,
        widths=(1.2, 0.9, 1.8, 3.0),
        theme=theme,
        title=str(subject.info.get("title") or subject.name),
    )


parameters = View(
    name="parameters",
    title="Parameters",
    question="How large is this model?",
    needs=("info.facts",),
    draw=_draw,
)
