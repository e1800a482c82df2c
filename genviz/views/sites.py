"""What was captured, how, and what was not and why."""

import plotly.graph_objects as go

from genviz.figures import tables
from genviz.figures.theme import SIZE
from genviz.recording.table import rows, size
from genviz.views.base import View
from genviz.views.subject import Subject

MOST = 400  # rows; the table scrolls


def _draw(subject: Subject, *, theme: str) -> go.Figure:
    recording = subject.recorded()
    body = [tuple(row) for row in rows(recording)]
    shown = body[:MOST]
    shown += [(m.site or "(model)", m.kind, "not captured", "", "", m.reason) for m in recording.missing]
    more = f", {len(body) - MOST} rows more than shown" if len(body) > MOST else ""
    return tables.table(
        ("site", "kind", "axes", "times", "size", "captured by"),
        shown,
        widths=(2.2, 1.3, 3.4, 0.6, 0.9, 1.6),
        theme=theme,
        title=f"{len(recording):,} arrays, {size(recording.nbytes)}{more}",
        size=SIZE - 2,
    )


sites = View(
    name="sites",
    title="Captured",
    question="What does this recording hold, and what is missing?",
    needs=("recording",),
    draw=_draw,
)
