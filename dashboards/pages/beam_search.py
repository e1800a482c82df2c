"""Beam search: how a sentence is chosen from all that could be written."""

from dashboards.fields import prompt
from dashboards.pages.base import Page, Panel

BEAM_SEARCH = Page(
    "beam-search",
    "Beam search",
    "Which sentence is the most probable, and does greedy find it?",
    needs=("live.beam_search",),
    panels=(Panel(("beam_tree",), columns=12, rows=12),),
    above={"prompt": prompt},
    leading=("step", "beams", "length_penalty"),
    part="Language models",
)
