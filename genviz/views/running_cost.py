"""What a language model keeps and computes for each token of a text."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.accounting import (
    GPT3,
    CachedSite,
    Configuration,
    flops_per_token,
    kv_cache_bytes,
    multiplied,
)
from genviz.attention import MaskRule
from genviz.figures import running_cost as figures
from genviz.figures.base import foot
from genviz.figures.running_cost import CostLine
from genviz.recording import Entry, Recording
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.subject import Subject

NOTHING = "nothing"
LONGEST = 131_072  # tokens that the lines go up to
_BYTES = ((4, "32 bits"), (2, "16 bits"), (1, "8 bits"))
_LENGTHS = tuple(2**n for n in range(5, 18))


def attention_sites(recording: Recording) -> tuple[CachedSite, ...]:
    """What attention at every site keeps, as it was seen to run."""
    return tuple(_site(recording, site) for site in recording.sites(kind="attention"))


def _site(recording: Recording, site: str) -> CachedSite:
    here = recording.entries(site)
    first = next(e for e in here if e.kind in ("query", "attention"))
    keys = next((e for e in here if e.kind == "key"), None)
    crossing = len(set(first.attrs.get("tokens", {}).values())) > 1
    if first.kind == "attention" or keys is None:
        width = (recording.info.get("facts") or {}).get("d_head") or 0
        return CachedSite(first.shape[1], first.shape[1], width, caches=crossing or _triangular(first))
    rule = MaskRule.from_json(first.attrs.get("rule", {}))
    return CachedSite(
        first.shape[1], keys.shape[1], keys.shape[3], rule.window, caches=crossing or rule.causal
    )


def _triangular(stored: Entry) -> bool:
    head = stored.load()[0, 0]
    return bool(len(head) > 1 and not np.triu(head, 1 + head.shape[1] - len(head)).any())


def _controls(subject: Subject) -> tuple[Control, ...]:
    context = subject.info["facts"].get("context") or 1024
    nearest = min(_LENGTHS, key=lambda length: abs(length - context))
    beside = ((NOTHING, NOTHING), *((each.name, each.name) for each in GPT3))
    return (
        Choice("length", "Tokens so far", nearest, choices=tuple((n, f"{n:,}") for n in _LENGTHS),
               help="How long the text is already."),
        Number("batch", "Texts at once", 1, minimum=1, maximum=256,
               help="The batch size; each text has its own cache."),
        Choice("precision", "Cache in", 2, choices=_BYTES, help="How each key and value is stored."),
        Choice("beside", "Beside it", "GPT-3 175B", choices=beside, help="A published model."),
    )  # fmt: skip


def _draw(subject: Subject, *, theme: str, length: int, batch: int, precision: int, beside: str) -> go.Figure:
    facts, recording = subject.info["facts"], subject.recorded()
    sites = attention_sites(recording)
    costs: dict[str, Any] = {"length": length, "batch": batch, "precision": precision}
    lines = [_line(subject.name, multiplied(subject.info["parts"], facts), sites, **costs)]
    other = next((each for each in GPT3 if each.name == beside), None)
    if other is not None:
        lines.append(_published(other, costs))
    title = f"{length:,} tokens, {batch:,} {'text' if batch == 1 else 'texts'} at once"
    figure = figures.running_cost(lines, theme=theme, title=title)
    foot(figure, _words(facts.get("context"), sites), theme)
    return figure


def _published(other: Configuration, costs: dict[str, Any]) -> CostLine:
    return _line(other.name, other.matrices, other.sites, **costs)


def _line(
    name: str, matrices: int, sites: tuple[CachedSite, ...], *, length: int, batch: int, precision: int
) -> CostLine:
    lengths = np.unique(np.geomspace(1, LONGEST, 120).round().astype(int))

    def cache(tokens: int) -> float:
        return kv_cache_bytes(sites, tokens, batch=batch, bytes_per_value=precision)

    return CostLine(
        name,
        lengths.astype(np.float64),
        np.array([cache(int(n)) for n in lengths], np.float64),
        np.array([flops_per_token(matrices, sites, int(n)) for n in lengths], np.float64),
        (length, cache(length), flops_per_token(matrices, sites, length)),
    )


def _words(context: int | None, sites: tuple[CachedSite, ...]) -> str:
    if not any(site.caches for site in sites):
        return (
            "This model reads the whole text at once and keeps no keys and values from token to token; "
            "operations are those of one token among so many."
        )
    said = "Cache: 2 (keys, values) × heads of keys × head width × tokens, over all layers."
    seen = (
        f" This model was made for {context:,} tokens; beyond, the lines only calculate." if context else ""
    )
    return said + seen


running_cost = View(
    name="running_cost",
    title="Cost per token",
    question="How much must be kept and computed for each further token?",
    needs=("info.parts", "attention"),
    controls=_controls,
    draw=_draw,
)
