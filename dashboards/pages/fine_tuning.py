"""Fine-tuning: a base model beside what was trained on from it."""

from dashboards.pages.base import Page, Panel

FINE_TUNING = Page(
    "fine-tuning",
    "Fine-tuning",
    "What does the base model learn when it is trained on for one task, and which weights does that move?",
    needs=("beside", "live.answers|live.weights"),
    panels=(
        Panel(("tuned_answers",), columns=12, rows=7),
        Panel(("weight_changes",), columns=12, rows=5),
    ),
    leading=("other",),
    part="Language models",
)
