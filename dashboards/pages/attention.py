"""Attention: all heads, and one of them closely."""

from dashboards.pages.base import Click, Page, Panel

ATTENTION = Page(
    "attention",
    "Attention",
    "Which token looks at which, and what does each head look for?",
    needs=("attention",),
    panels=(
        Panel(("attention_heads", "head_map"), columns=5, rows=5),
        Panel(("attention_matrix",), columns=7),
        Panel(("attention_lines",), columns=5, rows=7),
    ),
    clicks={
        "attention_heads": Click(sets=("site", "head")),
        "head_map": Click(sets=("site", "head")),
        "attention_lines": Click(picks="query", most=1, trace="query"),
    },
)
