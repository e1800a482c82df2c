"""Overview: what the model is, how large, and what was captured of it."""

from typing import Any

from dash import html

from dashboards.pages.base import Page, Panel
from genviz.figures.text import count
from genviz.recording.table import size
from genviz.views.subject import Subject

_FACTS = (
    ("n_params", "parameters"),
    ("n_layers", "layers"),
    ("d_model", "model width"),
    ("n_heads", "heads"),
    ("d_head", "head width"),
    ("context", "context"),
    ("vocab", "vocabulary"),
    ("bytes", "in memory"),
)


def _facts(subject: Subject) -> list[Any]:
    facts = subject.info.get("facts") or {}
    tiles = [_tile(name, label, facts[name]) for name, label in _FACTS if facts.get(name) is not None]
    about = str(subject.info.get("about") or "")
    found: list[Any] = [html.P(about, className="about")] if about else []
    return [*found, html.Dl(tiles, className="facts")] if tiles else found


def _tile(name: str, label: str, value: Any) -> html.Div:
    shown = size(float(value)) if name == "bytes" else count(value) if value >= 100_000 else f"{value:,}"
    return html.Div([html.Dt(label), html.Dd(shown)], title=f"{name} = {value:,}", className="fact")


OVERVIEW = Page(
    "overview",
    "Overview",
    "What is this model built of, and where are its parameters?",
    panels=(Panel(("network", "parameters", "accounting", "running_cost", "model_sizes", "sites")),),
    beside=_facts,
    reads=False,
)
