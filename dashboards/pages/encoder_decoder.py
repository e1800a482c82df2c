"""Encoder and decoder: how one sentence becomes another, word by word."""

from dashboards.pages.base import Click, Page, Panel

ENCODER_DECODER = Page(
    "encoder-decoder",
    "Encoder and decoder",
    "How does one sentence become another, word by word?",
    needs=("cross_attention",),
    panels=(
        Panel(("translation_steps",), columns=12, rows=6),
        Panel(("attention_heads", "residual_norms"), columns=6, rows=6),
        Panel(
            ("attention_matrix", "attention_lines", "attention_profile", "attention_mask"), columns=6, rows=6
        ),
    ),
    leading=("step", "layer", "looking", "site", "head", "query", "key", "rows", "keys"),
    clicks={
        "translation_steps": Click(sets=("step",), place=True),
        "attention_heads": Click(sets=("site", "head", "average")),
        "attention_matrix": Click(sets=("query", "key"), place=True),
        "attention_lines": Click(sets=("query", "key")),
        "residual_norms": Click(sets=("position",), trace="layers"),
    },
    part="Language models",
)
