"""Adversarial game: what the discriminator says of real and of generated items."""

from dashboards.pages.base import Page, Panel

ADVERSARIAL_GAME = Page(
    "adversarial-game",
    "Adversarial game",
    "Can the discriminator still tell real from fake?",
    needs=("score",),
    panels=(Panel(("score_histograms",), columns=5), Panel(("samples_by_score",), columns=7)),
    first={"count": 24},
    part="Pictures",
)
