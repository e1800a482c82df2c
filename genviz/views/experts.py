"""Which experts each token goes through, where feed-forward networks are mixtures of them."""

import numpy as np
import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import experts as figures
from genviz.recording import Recording
from genviz.shapes import Float
from genviz.views.asking import sample_control
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.stream import at_most, continued, position_control, read, side_of, words_of
from genviz.views.subject import Subject


def routed_sites(recording: Recording) -> tuple[str, ...]:
    """Where tokens are sent to experts."""
    return tuple(dict.fromkeys(entry.site for entry in recording.entries(kind="routing"))) or ("",)


def shares_at(
    recording: Recording, site: str, sample: int = 0
) -> tuple[Float[np.ndarray, "token expert"], list[str]]:
    """Shares of the experts in each token, and the tokens.

    Raises
    ------
    NotCaptured
        When none were recorded there.
    """
    entries = recording.entries(site, "routing")
    if not entries:
        raise NotCaptured(
            f"no routing was captured at {site!r}: there is some at {', '.join(routed_sites(recording))}"
        )
    shares = read(continued(entries), sample)
    words = words_of(recording, side_of(entries[-1]) or "", sample)
    return shares, words if len(words) == len(shares) else [str(at) for at in range(len(shares))]


def _controls(subject: Subject) -> tuple[Control, ...]:
    sites = routed_sites(subject.recorded())
    return (
        Choice("network", "Mixture", sites[0], choices=tuple((s, s) for s in sites), help="Of which layer."),
        position_control(subject),
        *sample_control(subject.recorded()),
    )


def _draw(subject: Subject, *, theme: str, network: str, position: int, sample: int = 0) -> go.Figure:
    shares, words = shares_at(subject.recorded(), network, sample)
    return figures.experts(shares, words=words, chosen=at_most(position, words), layer=network, theme=theme)


experts = View(
    name="experts",
    title="Experts",
    question="Which experts does each token go through?",
    needs=("routing", "hidden"),
    controls=_controls,
    draw=_draw,
)
