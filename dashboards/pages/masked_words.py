"""Masked words: a model that tells hidden words from both sides."""

from dashboards.pages.base import Click, Page, Panel

MASKED_WORDS = Page(
    "masked-words",
    "Masked words",
    "Which word belongs where one is hidden, and how sure is the model?",
    needs=("live.masked_words",),
    panels=(Panel(("masked_words",)),),
    clicks={"masked_words": Click(picks="hide", most=4, trace="words")},
    part="Language models",
)
