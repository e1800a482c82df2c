"""Attention: all heads, and one of them closely."""

from dashboards.pages.base import Click, Page, Panel

ATTENTION = Page(
    "attention",
    "Attention",
    "Which token looks at which, and what does each head look for?",
    needs=("attention",),
    panels=(Panel(("attention_heads",), columns=6), Panel(("attention_matrix", "attention_lines"), columns=6)),
    clicks={"attention_heads": Click(sets=("site", "head"))},
)
