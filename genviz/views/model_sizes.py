"""How large the model is beside GPT-3 in its eight sizes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import plotly.graph_objects as go

from genviz.analysis.accounting import GPT3, Configuration
from genviz.figures import accounting as figures
from genviz.figures.base import foot
from genviz.views.base import View
from genviz.views.subject import Subject


def _draw(subject: Subject, *, theme: str) -> go.Figure:
    facts = subject.info["facts"]
    sizes = [(subject.name, int(facts["n_params"]), _told(facts))]
    sizes += [(each.name, each.n_params, _published(each)) for each in GPT3]
    figure = figures.model_sizes(sizes, theme=theme, title=subject.name)
    text = (
        "GPT-3's sizes from its published layers, widths and heads (Brown et al. 2020, table 2.1) by "
        "V·d + T·d + L·(12·d² + 13·d) + 2·d."
    )
    foot(figure, text, theme)
    return figure


def _told(facts: Mapping[str, Any]) -> str:
    names = {"n_layers": "layers", "d_model": "wide", "n_heads": "heads", "d_head": "per head"}
    return ", ".join(f"{facts[name]:,} {word}" for name, word in names.items() if facts.get(name))


def _published(each: Configuration) -> str:
    steps = f"{each.batch / 1e6:g} million tokens per training step"
    return f"{_told(asdict(each))}, context {each.context:,}<br>{steps}"


model_sizes = View(
    name="model_sizes",
    title="Beside GPT-3",
    question="How large is this model beside GPT-3?",
    needs=("info.parts", "info.facts"),
    draw=_draw,
)
