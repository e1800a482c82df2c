"""Tokens & positions: what the model reads in place of the text, and how it knows the order."""

from dashboards.pages.base import Click, Page, Panel

TOKENS_AND_POSITIONS = Page(
    "tokens-and-positions",
    "Tokens & positions",
    "Into which pieces is the text cut, and how does the model know their order?",
    needs=("info.tokens|info.text|live.tokenizations",),
    panels=(
        Panel(("tokenizations",), columns=7),
        Panel(("positions", "position_similarity"), columns=5, rows=6),
        Panel(("embedding_neighbours",), columns=5, rows=6),
    ),
    leading=("position",),
    clicks={"tokenizations": Click(sets=("position",), trace="this model")},
    part="Language models",
)
