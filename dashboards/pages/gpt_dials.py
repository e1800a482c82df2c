"""How large is a GPT: its sizes as dials, GPT-3's eight beside."""

from dashboards.pages.base import Page, Panel
from dashboards.presets import preset_buttons

GPT_DIALS = Page(
    "gpt-dials",
    "How large is a GPT",
    "How large is a GPT of these sizes: parameters, memory, time to train?",
    needs=("info.parts", "info.facts", "info.tokens"),
    panels=(Panel(("gpt_dials",), columns=12, rows=12),),
    beside=preset_buttons,
    reads=False,
    part="Language models",
)
