"""Inside the layers: what each of them does to one token on its way to the next word."""

from typing import Any

from dash import html

from dashboards.pages.base import Click, Page, Panel
from genviz.views.subject import Subject


def _without(subject: Subject) -> list[Any]:
    """Why no picture speaks of the next word, where none does."""
    reasons = [missing.reason for missing in subject.missing if missing.kind == "logits"]
    if subject.has("logits") or subject.has("top_logits"):
        if subject.has("live.logit_lens"):
            return []
        reasons = ["this is only a recording: open it with its model to see them"]
    said = f"No logit lens and no attribution here: {reasons[0] if reasons else 'no logits were recorded'}."
    return [html.P(said, className="about")]


INSIDE_THE_LAYERS = Page(
    "inside-the-layers",
    "Inside the layers",
    "What does each layer do to one token on its way to the next word?",
    needs=("hidden",),
    beside=_without,
    panels=(
        Panel(
            ("logit_lens", "residual_norms", "neurons", "experts", "input_attribution"), columns=12, rows=6
        ),
        Panel(("residual_path",), columns=6, rows=6),
        Panel(("logit_attribution",), columns=6, rows=6),
    ),
    clicks={
        "logit_lens": Click(sets=("position",), trace="layers"),
        "residual_norms": Click(sets=("position",), trace="layers"),
        "experts": Click(sets=("position",), trace="layers"),
        "neurons": Click(sets=("unit",), trace="neurons"),
    },
    part="Language models",
)
