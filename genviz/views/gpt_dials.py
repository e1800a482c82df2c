"""How large a GPT of any size is: parameters, memory, operations and time, by dials."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from genviz.analysis.accounting import GPT3, Configuration
from genviz.analysis.gpt_sizes import (
    ACCELERATORS,
    GPT3_TOKENS,
    PRECISIONS,
    TOKENS_PER_PARAMETER,
    head_width,
)
from genviz.errors import ControlError
from genviz.figures import gpt_dials as figures
from genviz.figures.base import foot
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number, Switch
from genviz.views.gpt_words import headings, memory, own_count, parameters, print_of, speed_of, times
from genviz.views.subject import Subject

NOTHING = "nothing"
MILLION = 1_000_000
_SIZES = ("n_layers", "d_model", "n_heads", "d_head", "context", "vocab", "tied")
_BATCH = 32


def dials_of(subject: Subject) -> dict[str, Any]:
    """Values of the dials that are the subject's own sizes; what it does not tell is a GPT-3's."""
    facts = subject.info.get("facts") or {}
    own = {name: int(facts.get(name) or getattr(GPT3[0], name)) for name in _SIZES[:-1]}
    heads = [row for row in subject.info.get("parts") or () if row["part"] == "head"]
    shared = own["n_heads"] * own["d_head"] == own["d_model"]
    return {
        **own,
        "d_head": 0 if shared else own["d_head"],
        "batch": _BATCH,
        "at_once": _BATCH,
        "tokens": 0,
        "tied": not any(row["times"] for row in heads),
    }


def presets(subject: Subject) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Names, and the values of dials that belong to each: the subject's own, then GPT-3's eight sizes."""
    return (("this model", dials_of(subject)), *((each.name, _published(each)) for each in GPT3))


def _published(each: Configuration) -> dict[str, Any]:
    sizes = {name: getattr(each, name) for name in _SIZES}
    return {
        **sizes, "d_head": 0, "batch": round(each.batch / each.context), "at_once": 1,
        "tokens": GPT3_TOKENS // MILLION,
    }  # fmt: skip


def _controls(subject: Subject) -> tuple[Control, ...]:
    own = dials_of(subject)
    facts = subject.info.get("facts") or {}
    short = facts.get("n_params") and facts.get("bytes", 0) < 3 * facts["n_params"]
    return (
        Number("n_layers", "Layers", own["n_layers"], minimum=1, maximum=max(128, own["n_layers"]),
               help="n_layers: blocks of attention and feed-forward network, one after the other."),
        Number("n_heads", "Heads", own["n_heads"], minimum=1, maximum=max(128, own["n_heads"]),
               help="n_heads: heads of attention in each layer."),
        Number("d_model", "Model width", own["d_model"], minimum=1, maximum=65_536, step=64,
               help="d_model: channels of each token's vector."),
        Number("d_head", "Head width", own["d_head"], minimum=0, maximum=4096, step=8,
               help="d_head: channels of each head; 0 shares the model's width among them."),
        Number("context", "Context", own["context"], minimum=1, maximum=16_777_216, step=64,
               help="Tokens that the model reads at once."),
        Number("vocab", "Vocabulary", own["vocab"], minimum=1, maximum=10_000_000, step=64,
               help="Different tokens."),
        Number("batch", "Batch (texts)", own["batch"], minimum=1, maximum=1_000_000,
               help="Texts of full length in one step of the training."),
        Number("at_once", "Texts at once", own["at_once"], minimum=1, maximum=1_000_000,
               help="Texts of a step that are worked on together; the others wait for their turn."),
        Number("tokens", "Million tokens", own["tokens"], minimum=0, maximum=1_000_000_000, step=1000,
               help="Millions of tokens; 0 takes 20 per parameter (Hoffmann et al. 2022)."),
        Switch("tied", "Head is the embedding", own["tied"],
               help="Whether the output layer uses the token embedding again, as in GPT-2."),
        Choice("precision", "Numbers in", list(PRECISIONS)[bool(short)],
               choices=tuple((name, name) for name in PRECISIONS),
               help="All in 32 bits, or weights in 16 bits with a copy and Adam's states in 32."),
        Choice("beside", "Beside this machine", "NVIDIA A100",
               choices=((NOTHING, NOTHING), *((each.name, each.name) for each in ACCELERATORS)),
               help="A GPU by its published peak in 16 bits."),
        Number("count", "GPUs", 1, minimum=1, maximum=100_000,
               help="GPUs that share the work without losing any."),
        Number("utilisation", "Of peak (%)", 40, minimum=1, maximum=100,
               help="GPT-3 was trained at 21%, PaLM at 46% (Chowdhery et al. 2022, table 3)."),
    )  # fmt: skip


def size_of(dials: Mapping[str, Any]) -> Configuration:
    """The size that dials say.

    Raises
    ------
    ControlError
        When a number is not whole, or the width cannot be shared out among the heads.
    """
    whole = {name: _whole(name, dials[name]) for name in (*_SIZES[:-1], "batch")}
    width = whole["d_head"] or head_width(whole["d_model"], whole["n_heads"])
    tokens = float(whole.pop("batch") * whole["context"])
    return Configuration("", **{**whole, "d_head": width}, batch=tokens, tied=bool(dials["tied"]))


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise ControlError(f"{name}={value:g} does not fit: it counts things, so it takes a whole number")
    return int(value)


def _draw(subject: Subject, *, theme: str, **dials: Any) -> go.Figure:
    size, precision = size_of(dials), PRECISIONS[dials["precision"]]
    texts = min(_whole("at_once", dials["at_once"]), int(dials["batch"]))
    tokens = float(dials["tokens"]) * MILLION or float(TOKENS_PER_PARAMETER * size.n_params)
    speeds = []
    if subject.has("live.throughput"):
        speeds.append(speed_of(ask_plainly(subject, "throughput")))
    for each in ACCELERATORS:
        if each.name == dials["beside"]:
            speeds.append(speed_of(each, count=int(dials["count"]), share=dials["utilisation"] / 100))
    figure = figures.gpt_dials(
        parameters(size),
        memory(size, texts, precision),
        times(size, speeds, tokens=tokens),
        headings=headings(size, texts, tokens, precision),
        theme=theme,
        title=f"{size.n_layers:,} layers × {size.d_model:,} channels, "
        f"{size.n_heads:,} heads of {size.d_head:,}",
    )
    foot(figure, print_of(size, own_count(subject, size), speeds), theme)
    return figure


gpt_dials = View(
    name="gpt_dials",
    title="How large is a GPT",
    question="How many parameters has a GPT of these sizes, and what memory and time do they take?",
    needs=("info.parts", "info.facts", "info.tokens"),
    controls=_controls,
    draw=_draw,
)
