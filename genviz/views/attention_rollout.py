"""What of each input token is in a token after several layers: raw attention, rollout and flow."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go

from genviz.errors import NotCaptured
from genviz.figures import attention_rollout as figures
from genviz.figures.text import short_names
from genviz.recording import Recording
from genviz.views.attended_tokens import last_word
from genviz.views.attending import ALL_CALLS, site_controls
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number, Picks
from genviz.views.stacks import FLOW_MAP_UP_TO, FLOW_ROW_UP_TO, Followed, Stack, followed, stacks
from genviz.views.subject import Subject

MISSING = (
    f"flow of all pairs is tokens² problems: worked out up to {FLOW_MAP_UP_TO} tokens: pick one token below"
)


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    shared = site_controls(recording)
    shared = tuple(_followable(recording, control) for control in shared)
    call = next((control.value for control in shared if control.name == "call"), ALL_CALLS)
    try:
        found = stacks(recording, 0, call)
    except NotCaptured:  # drawing says so, where it is seen
        return shared
    own: list[Control] = []
    if len(found) > 1:
        labels = short_names(stack.name for stack in found)
        options = tuple((stack.name, label) for stack, label in zip(found, labels, strict=True))
        told = "Cross-attention is not followed: its keys are of another text."
        own.append(Choice("stack", "Stack", found[0].name, choices=options, help=told))
    deepest = max(len(stack.sites) for stack in found) - 1
    longest = max(_length(subject, stack, call) for stack in found)
    return (
        *own,
        Number("depth", "Up to layer", deepest, minimum=0, maximum=deepest,
               help="Rollout and flow run from this layer down to the input; raw is this layer alone."),
        *shared,
        Picks("query", "One query", (), count=longest, most=1, help="Click a row of a map."),
    )  # fmt: skip


def _followable(recording: Recording, control: Control) -> Control:
    """Leave only calls that can be followed: with a cache, a call on its own has the newest queries only."""
    if not isinstance(control, Choice) or control.name != "call":
        return control
    good = []
    for value, label in control.choices:
        try:
            stacks(recording, 0, value)
            good.append((value, label))
        except NotCaptured:
            continue
    return replace(control, choices=tuple(good)) if good else control


def _length(subject: Subject, stack: Stack, call: Any) -> int:
    return len(subject.recorded().attention_reader(stack.sites[0]).tokens(_number(call))[0])


def _number(call: Any) -> int | None:
    return None if call == ALL_CALLS else int(call)


def _draw(
    subject: Subject, *, theme: str, depth: int = 0, query: tuple[int, ...] = (), stack: str = "",
    sample: int = 0, call: Any = ALL_CALLS,
) -> go.Figure:  # fmt: skip
    recording = subject.recorded()
    every = stacks(recording, sample, call)
    chosen = next((each for each in every if each.name == stack), every[0])
    found = followed(recording, chosen, sample, call)
    layer = min(int(depth), len(chosen.sites) - 1)
    token = query[0] if query and query[0] < len(found.names) else last_word(found.names)
    raw, rolled = found.layers[layer], found.rolled[layer]
    return figures.attention_rollout(
        (raw, rolled, found.flow_map(layer)),
        (raw[token], rolled[token], found.flow_row(layer, token)),
        names=found.names,
        query=token,
        title=f"{chosen.sites[layer] or 'model'} and the layers before it",
        note=_note(chosen, found, every),
        missing=MISSING,
        theme=theme,
    )


def _note(chosen: Stack, found: Followed, every: tuple[Stack, ...]) -> str:
    parts = [
        "Each layer counts half as attention (mean of its heads), half as the token itself (residual path); "
        "what feed-forward parts and values do to a vector is not in it."
    ]
    if chosen.tokens == "target_tokens" or len({each.tokens for each in every}) > 1:
        side = "decoder" if chosen.tokens == "target_tokens" else "encoder"
        more = "cross-attention is left out" if side == "decoder" else "it reads the source only"
        parts.append(f"This is the {side}'s self-attention: {more}.")
    if len(found.names) > FLOW_ROW_UP_TO:
        parts.append(
            f"No flow: it is worked out up to {FLOW_ROW_UP_TO} tokens, this text has {len(found.names)}; "
            "rollout has no such limit."
        )
    return " ".join(parts)


attention_rollout = View(
    name="attention_rollout",
    title="Rollout",
    question="How much of each input token is in a token after several layers?",
    needs=("attention",),
    controls=_controls,
    draw=_draw,
)
