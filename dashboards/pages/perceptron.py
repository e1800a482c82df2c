"""Perceptron: how inputs become the output, weight by weight."""

from dashboards.pages.base import Page, Panel

PERCEPTRON = Page(
    "perceptron",
    "Perceptron",
    "How do the inputs become the output, weight by weight?",
    needs=("weight", "input", "weighted_sum"),
    panels=(Panel(("perceptron_network",), columns=7), Panel(("weighted_sum",), columns=5)),
    part="Networks",
)
