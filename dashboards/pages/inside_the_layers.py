"""Inside the layers: what each of them does to one token on its way to the next word."""

from dashboards.pages.base import Click, Page, Panel

INSIDE_THE_LAYERS = Page(
    "inside-the-layers",
    "Inside the layers",
    "What does each layer do to one token on its way to the next word?",
    needs=("hidden",),
    panels=(
        Panel(("logit_lens", "residual_norms"), columns=12, rows=6),
        Panel(("residual_path",), columns=6, rows=6),
        Panel(("logit_attribution", "input_attribution"), columns=6, rows=6),
    ),
    clicks={name: Click(sets=("position",), trace="layers") for name in ("logit_lens", "residual_norms")},
)
