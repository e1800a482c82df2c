"""Compare: two texts through one model, or one text through two models."""

from dashboards.pages.base import Click, Page, Panel

COMPARE = Page(
    "compare",
    "Compare",
    "What changes inside the model when the text, or the training, is another?",
    needs=("attention", "live.tokenize|beside"),
    panels=(
        Panel(("compare_stream", "compare_predictions"), columns=7, rows=6),
        Panel(("compare_attention",), columns=5),
        Panel(("compare_heads",), columns=7, rows=6),
    ),
    leading=("other", "second", "site", "head"),
    clicks={"compare_heads": Click(sets=("site", "head"))},
    part="Language models",
)
