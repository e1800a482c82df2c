"""What the dials of a GPT show and say: shares, durations, headings, small print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genviz.analysis.accounting import PARTS, Configuration, flops_per_token
from genviz.analysis.gpt_sizes import (
    Accelerator,
    Precision,
    training_bytes,
    training_flops,
    writing_bytes,
)
from genviz.figures.gpt_dials import Duration, Share, duration
from genviz.figures.running_cost import shown
from genviz.figures.text import clean, count
from genviz.views.subject import Subject

_ROLES = {
    "embedding": "embedding", "position": "position", "attention": "attention",
    "feed-forward": "feed_forward", "norm": "bias", "head": "head",
    "weights": "weights", "gradients": "gradients", "Adam's states": "optimizer",
    "activations": "activations", "key/value cache": "cache",
}  # fmt: skip
_SIZES = ("n_layers", "d_model", "n_heads", "d_head", "context", "vocab")
_SHORT = {"embedding": "embedding", "head": "head"}  # in a legend
_FORMULAS = {
    "embedding": "V·d", "position": "T·d", "attention": "L·(4·d·h·e + 3·h·e + d)",
    "feed-forward": "L·(8·d² + 5·d)", "norm": "L·4·d + 2·d", "head": "V·d",
}  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """How fast something computes, in FLOP/s, and what is to be said of that.

    Parameters
    ----------
    name, says : str
        Escaped already.
    rate, slow, fast : float
        A measured rate with a tenth of the products slower and a tenth faster; a published one three times.
    measured : bool
    """

    name: str
    says: str
    rate: float
    slow: float
    fast: float
    measured: bool


def speed_of(source: Accelerator | Mapping[str, Any], *, count: int = 1, share: float = 1.0) -> Speed:
    """The speed of what was measured, or of ``count`` accelerators at a ``share`` of their peak."""
    if isinstance(source, Accelerator):
        rate = source.peak * count * share
        says = f"{count:,} × {source.name} at {share:.0%} of {shown(source.peak, 'FLOP/s')} ({source.source})"
        name = f"{count:,} × {source.name.removeprefix('NVIDIA ')}"
        return Speed(name, says, rate, rate, rate, measured=False)
    slow, rate, fast = (float(each) for each in np.percentile(source["rates"], [10, 50, 90]))
    threads = f"{source['threads']} {'thread' if source['threads'] == 1 else 'threads'}"
    says = (
        f"{len(source['rates'])} matrix products of {source['size']:,}² in {clean(source['dtype'])} on "
        f"{clean(source['device'])} ({threads}) "
        f"ran at {shown(rate, 'FLOP/s')}, most of them between {shown(slow, 'FLOP/s')} and "
        f"{shown(fast, 'FLOP/s')}"
    )
    return Speed("here", says, rate, slow, fast, measured=True)


def parameters(size: Configuration) -> list[Share]:
    """Each part's share of the parameters."""
    total = size.n_params
    return [
        Share(
            PARTS[part], _ROLES[part], number, _SHORT.get(part, PARTS[part]),
            f"{count(number)} · {number / total:.0%}",
            f"<b>{PARTS[part]}</b>: {number:,} parameters, {number / total:.2%}<br>{_FORMULAS[part]}",
        )
        for part, number in size.parts.items()
    ]  # fmt: skip


def memory(size: Configuration, texts: int, precision: Precision) -> dict[str, list[Share]]:
    """What training and writing keep in memory."""
    uses = {
        "to train": training_bytes(size, texts, precision),
        "to write": writing_bytes(size, texts, precision),
    }
    says = {
        "weights": f"{precision.weight} bytes per parameter",
        "gradients": f"{precision.gradient} bytes per parameter",
        "Adam's states": f"{precision.states} bytes per parameter",
        "activations": f"{texts:,} texts of {size.context:,} tokens at once, nothing worked out twice"
        "<br>(Korthikanti et al. 2022)",
        "key/value cache": f"{texts:,} texts of {size.context:,} tokens, {precision.value} bytes per value",
    }
    return {
        use: [
            Share(name, _ROLES[name], held, name, shown(held, "B"),
                  f"<b>{name}</b>, {use}: {held:,.0f} bytes<br>{says[name]}")
            for name, held in parts.items()
        ]
        for use, parts in uses.items()
    }  # fmt: skip


def times(size: Configuration, speeds: Sequence[Speed], *, tokens: float) -> list[Duration]:
    """How long one step takes here, and the whole training at every speed."""
    each, forward = training_flops(size), flops_per_token(size.matrices, size.sites, size.context)
    written = f"<br>to write a token at the end of the context: {forward:,} FLOP"
    jobs = [("one step", each * size.batch, speed) for speed in speeds if speed.measured]
    jobs += [("all steps", each * tokens, speed) for speed in speeds]
    return [
        Duration(
            f"{job}{' ' if speed.measured else ', '}{speed.name}", flops / speed.rate, flops / speed.fast,
            flops / speed.slow,
            f"<b>{job}</b>: {flops:.4g} FLOP, {duration(flops / speed.rate)}<br>{_broken(speed.says)}"
            f"{written}",
            first=speed.measured,
        )
        for job, flops, speed in jobs
    ]  # fmt: skip


def _broken(text: str) -> str:
    return text.replace(" ran at ", "<br>ran at ").replace(", most of", ",<br>most of")


def headings(
    size: Configuration, texts: int, tokens: float, precision: Precision
) -> tuple[str, str, str]:  # fmt: skip
    """What stands above parameters, memory and time."""
    train, write = (
        sum(held.values())
        for held in (training_bytes(size, texts, precision), writing_bytes(size, texts, precision))
    )
    each = training_flops(size)
    return (
        f"<b>{size.n_params:,} parameters</b>",
        f"<b>{shown(train, 'B')} to train</b>, {shown(write, 'B')} to write "
        f"({count(texts)} × {size.context:,} tokens)",
        f"<b>{shown(each * tokens, 'FLOP')} to train on {count(tokens)} tokens</b>: {shown(each, 'FLOP')} "
        f"a token, {shown(each * size.batch, 'FLOP')} a step",
    )


def own_count(subject: Subject, size: Configuration) -> str:
    """What the subject itself counts, where the dials say its own sizes; empty elsewhere."""
    facts = subject.info.get("facts") or {}
    told = {name: facts.get(name) for name in _SIZES}
    missing = [name for name, value in told.items() if value is None]
    if any(value is not None and value != getattr(size, name) for name, value in told.items()):
        return ""
    counted = int(facts["n_params"])
    if counted == size.n_params and not missing:
        return f"{clean(subject.name, 40)} has these sizes, and counts as many parameters itself. "
    why = _other_layout(subject.info.get("parts") or (), facts, size)
    why += [f"it does not tell its {' and '.join(missing)}"] if missing else []
    return (
        f"{clean(subject.name, 40)} itself counts {counted:,}, {abs(counted - size.n_params):,} "
        f"{'more' if counted > size.n_params else 'fewer'}: {', '.join(why) or 'its layout is another'}. "
    )


def _other_layout(
    rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], size: Configuration
) -> list[str]:
    """In what a model is not laid out as GPT-2."""
    held = {row["part"] for row in rows if row["times"]}
    plain = [row for row in rows if row["part"] in ("attention", "feed-forward") and len(row["shape"]) == 1]
    inner, heads = facts.get("d_ff"), facts.get("n_kv_heads")
    return [
        why
        for why, so in {
            "no table of positions": "position" not in held,
            f"a head that is {'not ' if size.tied else ''}the embedding": ("head" in held) == size.tied,
            f"feed-forward networks {inner or 0:,} wide": inner not in (None, 4 * size.d_model),
            f"{heads} key/value heads": heads not in (None, size.n_heads),
            "no biases": not plain,
            "experts": bool(facts.get("n_experts")),
            "further parts": "other" in held,
        }.items()
        if so
    ]


def print_of(size: Configuration, own: str, speeds: Sequence[Speed]) -> str:
    """What is counted, and how sure it is."""
    text = "Counted: GPT-2's layout (Radford et al. 2019), which GPT-3 shares. " + own
    inner = size.n_heads * size.d_head
    if inner != size.d_model:
        text += (
            f"{size.n_heads:,} heads × {size.d_head:,} are {inner:,} channels, not the model's "
            f"{size.d_model:,}: the projections lead there and back, which GPT-2's do not. "
        )
    text += "6 FLOP per matrix entry and 12·L·h·e·T of attention per token (Kaplan et al. 2020). "
    if not any(speed.measured for speed in speeds):
        text += "The speed of this machine was not measured: this is only a recording, without its model. "
    return text + " ".join(
        f"Here: {speed.says}; training takes longer than bare products."
        if speed.measured
        else f"{speed.says}."
        for speed in speeds
    )
