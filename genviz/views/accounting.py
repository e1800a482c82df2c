"""Where a transformer's parameters are, the formula beside the number."""

import plotly.graph_objects as go

from genviz.analysis.accounting import account, symbols
from genviz.figures import accounting as figures
from genviz.views.base import View
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str) -> go.Figure:
    parts = account(subject.info["parts"], subject.info["facts"])
    used = "".join(part.formula for part in parts)
    letters = {letter: it for letter, it in symbols(subject.info["facts"]).items() if letter in used}
    return figures.accounting(
        parts, letters, theme=theme, title=str(subject.info.get("title") or subject.name)
    )


accounting = View(
    name="accounting",
    title="By part",
    question="Where are the parameters, and why are there so many?",
    needs=("info.parts", "info.facts"),
    draw=_draw,
)
