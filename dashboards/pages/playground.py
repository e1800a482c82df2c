"""Playground: a text is written word by word, and every word can be looked into, changed and forbidden."""

from dashboards.fields import prompt
from dashboards.pages.base import Page, Panel
from dashboards.playground import playground

PLAYGROUND = Page(
    "playground",
    "Playground",
    "What does the model write next, and what was each word drawn from?",
    needs=("live.generate",),
    panels=(Panel(("next_distribution", "answer_attention"), columns=12, rows=7),),
    before=playground,
    above={"prompt": prompt},
    leading=("temperature", "max_new", "top_p", "stop"),
    part="Language models",
)
