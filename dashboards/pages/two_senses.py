"""Same word, two senses: what tells them apart."""

from typing import Any

from dash import html

from dashboards.fields import word
from dashboards.pages.base import Click, Page, Panel
from genviz.views.senses import CAUSAL, reads_left_to_right
from genviz.views.subject import Subject


def _before(subject: Subject) -> list[Any]:
    """That the sense has to stand before the word, where the model sees nothing after it."""
    return [html.P(CAUSAL, className="about")] if reads_left_to_right(subject) else []


TWO_SENSES = Page(
    "two-senses",
    "Same word, two senses",
    "What tells two senses of a word apart, when embedding and position say nothing of sense?",
    needs=("live.word_vectors",),
    beside=_before,
    panels=(
        Panel(("sense_by_layer",), columns=6, rows=6),
        Panel(("sense_heads",), columns=6),
        Panel(("sense_map",), columns=6, rows=6),
    ),
    above={"word": word},
    leading=("texts", "layer", "vectors"),
    clicks={
        "sense_by_layer": Click(sets=("layer",)),
        "sense_map": Click(picks="picks"),
        "sense_heads": Click(sets=("block", "head"), trace="parts"),
    },
    part="Language models",
)
