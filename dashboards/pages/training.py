"""Training: how a language model goes from noise to sentences, all pictures on one clock."""

from dashboards.clock import clock
from dashboards.pages.base import Click, Page, Panel
from genviz.views.training import NEEDS

TRAINING = Page(
    "training",
    "Training",
    "How does a model get from noise to sentences, by guessing the next word again and again?",
    needs=(NEEDS,),
    panels=(
        Panel(("training_loss",), columns=5, rows=6),
        Panel(("training_samples",), columns=7, rows=6),
        Panel(("training_map",), columns=7, rows=6),
        Panel(("training_heads",), columns=5, rows=6),
    ),
    clicks={"training_loss": Click(sets=("checkpoint",), trace="texts on show")},
    beside=clock,
    leading=("checkpoint", "prompt"),
    part="Language models",
)
