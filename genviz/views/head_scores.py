"""Scores of all heads of a recording, worked out once however often somebody asks."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.heads import MEASURES, Sight, score
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views.attended_tokens import crossed, identities, specials
from genviz.views.attending import ALL_CALLS, AttentionSite

CELLS = 24_000_000  # weights that are worked out for the scores of all heads together
FEWEST_ROWS, MOST_ROWS = 24, 512


@dataclass(frozen=True)
class SiteScores:
    """Scores of one site's heads.

    Parameters
    ----------
    site : str
    values : mapping
        Measure → one number per head; NaN where nothing can be said.
    even : mapping
        Measure → what a head that looks evenly would get.
    why : mapping
        Measure → why nothing can be said; empty when something can.
    rows : (int, int)
        Rows that were worked out, and rows that there are.
    """

    site: str
    values: dict[str, NDArray[np.float64]]
    even: dict[str, float]
    why: dict[str, str]
    rows: tuple[int, int]


_Known = dict[tuple[int, int, str], list[SiteScores]]
_SCORES: WeakKeyDictionary[Recording, _Known] = WeakKeyDictionary()


def running(recording: Recording, call: Any) -> tuple[str, ...]:
    """Sites that ran in the call asked for (an encoder runs once, its decoder once per token)."""
    sites = recording.sites(kind="attention")
    if call == ALL_CALLS:
        return sites
    found = tuple(s for s in sites if call in recording.attention_reader(s).calls)
    if not found:
        raise NotCaptured(f"no attention in call {call}: the sites are {', '.join(sites[:8])}")
    return found


def head_scores(recording: Recording, sample: int, call: Any) -> list[SiteScores]:
    """Score every head by every measure; remembered until the recording grows."""
    known = _SCORES.setdefault(recording, {})
    key = (len(recording), sample, str(call))
    if key not in known:
        opened = [
            AttentionSite.of(recording, site, sample, call=call) for site in running(recording, call)
        ]  # fmt: skip
        heads = sum(here.heads for here in opened)
        known[key] = [_scored(here, CELLS // heads) for here in opened]
    return known[key]


def sight_of(here: AttentionSite, rows: NDArray[np.integer[Any]]) -> Sight:
    """What some rows of a site could look at."""
    return Sight(
        here.allowed(rows), rows + here.start, identities(here), special=specials(here), crossed=crossed(here)
    )


def _scored(here: AttentionSite, cells: int) -> SiteScores:
    queries, keys = here.shape
    most = int(np.clip(cells // max(keys, 1), FEWEST_ROWS, MOST_ROWS))
    rows = np.unique(np.linspace(0, queries - 1, min(queries, most)).round().astype(int))
    sight = sight_of(here, rows)
    weights = np.stack([here.weights(head, rows) for head in range(here.heads)])
    found = {name: score(measure, weights, sight) for name, measure in MEASURES.items()}
    return SiteScores(
        here.site,
        values={name: each[0] for name, each in found.items()},
        even={name: each[1] for name, each in found.items()},
        why={name: each[2] for name, each in found.items()},
        rows=(len(rows), queries),
    )
