"""Attention: all heads, and one of them closely."""

from dashboards.pages.base import Click, Page, Panel

ATTENTION = Page(
    "attention",
    "Attention",
    "Which token looks at which, and what does each head look for?",
    needs=("attention",),
    panels=(
        Panel(("attention_heads", "head_map"), columns=5, rows=5),
        Panel(
            (
                "attention_matrix",
                "value_weighted",
                "query_key",
                "attention_rollout",
                "attention_mask",
                "attention_patches",
            ),
            columns=7,
        ),
        Panel(("attention_lines", "attention_profile"), columns=5, rows=7),
    ),
    leading=("site", "head", "query", "key", "rows", "keys", "average", "without", "words", "threshold"),
    clicks={
        "attention_heads": Click(sets=("site", "head", "average")),
        "head_map": Click(sets=("site", "head", "average")),
        "attention_matrix": Click(sets=("query", "key"), place=True),
        "attention_rollout": Click(sets=("query",)),
        "attention_lines": Click(sets=("query", "key")),
    },
    part="Language models",
)
