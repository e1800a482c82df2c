"""Which heads look differently in two runs."""

import plotly.graph_objects as go

from genviz.figures import head_map as figures
from genviz.figures.head_map import Scale, ScoredSite
from genviz.views.base import View
from genviz.views.comparing import MOST_ROWS, SitePair, compare_controls, head_to_compare, pair_of
from genviz.views.controls import Control
from genviz.views.subject import Subject


def _controls(subject: Subject) -> tuple[Control, ...]:
    controls = compare_controls(subject)
    return (*controls, *head_to_compare(subject, controls))


def _draw(
    subject: Subject, *, theme: str, other: str, site: str, head: int, second: str = "", cut: bool = False
) -> go.Figure:
    pair = pair_of(subject, other, second, cut=cut)
    opened = [SitePair.of(pair, sites) for sites in pair.sites("attention")]
    return figures.head_map(
        [ScoredSite(each.here.site, each.differences(MOST_ROWS)) for each in opened],
        Scale("Difference", "bits", advice="The runs share no row with weight on common tokens."),
        chosen=(site, head),
        title=f"{pair.names[0]} against {pair.names[1]}: Jensen–Shannon divergence of the rows, mean",
        note=opened[0].said,
        theme=theme,
    )


compare_heads = View(
    name="compare_heads",
    title="Heads that differ",
    question="Which heads look at something else in the other run?",
    needs=("attention", "live.tokenize|beside"),
    controls=_controls,
    draw=_draw,
)
