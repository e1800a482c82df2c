"""How much of each token a head really adds: its weights beside its weighted, projected values."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.pooling import pooled_rows
from genviz.errors import NotCaptured
from genviz.figures import value_weighted as figures
from genviz.views.asking import ask
from genviz.views.attending import ALL_CALLS, AttentionSite, Rows, head_controls
from genviz.views.base import View
from genviz.views.subject import Subject

SIDE = 64  # cells per side of a map; longer texts are put together in blocks
NOTE = (
    "Right: ‖α(q, k) · v_k W_O‖, how long the vector is that a key really adds: little, where a token is "
    "looked at but has a short value. Below: what each head adds (mean norm over the queries). The model "
    "sums these vectors; a mean of the heads' weights would count all alike."
)


def _draw(
    subject: Subject, *, theme: str, site: str, head: int, sample: int = 0, call: Any = ALL_CALLS
) -> go.Figure:
    here = AttentionSite.of(subject.recorded(), site, sample, call=call)
    found = _run(ask(subject, "head_outputs", sample=sample)["sites"], here)
    norms = np.asarray(found["value_norms"], np.float32)
    added = np.asarray(found["output_norms"], np.float64)
    whole = {"rows": range(here.shape[0]), "keys": range(here.shape[1]), "size": SIDE}
    of_head = partial(here.weights, head)
    weights = pooled_rows(of_head, here.allowed, **whole)  # type: ignore[arg-type]
    scale = norms[head, : here.shape[1]]

    def arriving(rows: Rows) -> NDArray[np.float32]:
        return np.asarray(of_head(rows) * scale, np.float32)

    return figures.value_weighted(
        weights,
        pooled_rows(arriving, here.allowed, **whole),  # type: ignore[arg-type]
        names=here.names,
        heads=figures.Heads(added.mean(axis=1), head),
        title=f"{here.site or 'model'} · head {head} through {found['projection'].rpartition('.')[2]}",
        note=NOTE,
        theme=theme,
    )


def _run(sites: Mapping[str, Any], here: AttentionSite) -> Mapping[str, Any]:
    """What the live model said of the run that is looked at.

    Raises
    ------
    NotCaptured
        When it says that it cannot be told, and why.
    """
    runs: list[Mapping[str, Any]] = sites.get(here.site, [])
    if not runs:
        raise NotCaptured(f"{here.site!r} did not run again: choose one of {', '.join(sites)}")
    same = [run for run in runs if run["call"] == here.call]
    found = same[0] if same and len(runs) > 1 else runs[0]
    if "reason" in found:
        raise NotCaptured(f"what each head of {here.site!r} adds is not known: {found['reason']}")
    if np.shape(found["value_norms"])[1] < here.shape[1]:
        raise NotCaptured(
            f"{here.site!r} was run again on {np.shape(found['value_norms'])[1]} keys, and this run has "
            f"{here.shape[1]}: record the text in one run"
        )
    return found


value_weighted = View(
    name="value_weighted",
    title="What arrives",
    question="How much does each token really add through a head, and each head to its layer?",
    needs=("attention", "live.head_outputs"),
    controls=head_controls,
    draw=_draw,
)
