"""Generate: how a sentence is chosen from all that could be written."""

from dashboards.pages.base import Page, Panel

GENERATE = Page(
    "generate",
    "Generate",
    "Which sentence is the most probable, and does greedy find it?",
    needs=("live.beam_search",),
    panels=(Panel(("beam_tree",), columns=12, rows=12),),
    leading=("step",),
    part="Language models",
)
