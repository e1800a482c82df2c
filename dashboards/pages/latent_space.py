"""Latent space: a map of the codes, and the way between two of them."""

from dashboards.pages.base import Click, Page, Panel

LATENT_SPACE = Page(
    "latent-space",
    "Latent space",
    "Where does the model put each item, and what lies on the way from one to another?",
    needs=("latent|mean",),
    panels=(Panel(("latent_map",), columns=7), Panel(("interpolation",), columns=5)),
    clicks={"latent_map": Click(picks="picks")},
)
