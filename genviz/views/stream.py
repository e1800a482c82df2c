"""What the residual-stream views share: one sequence's way through the blocks, read from a recording."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.residual import adds_up
from genviz.errors import NotCaptured
from genviz.figures.layer_map import NAMED_UP_TO
from genviz.recording import Entry, Recording
from genviz.recording.labels import tokens_of
from genviz.views.controls import Choice, Control, Number
from genviz.views.subject import Subject

Vectors = NDArray[np.float32]
SIDES = {"target_tokens": "decoder", "tokens": "encoder"}
PARTS = {
    "attention": "attention",
    "cross_attention": "cross-attention",
    "mixing": "mixing of tokens",
    "feed_forward": "feed-forward",
}


@dataclass(frozen=True)
class Step:
    """One sub-layer: what it adds to the stream.

    Parameters
    ----------
    part : str
        A key of :data:`PARTS`.
    site : str
    added : float array, (token, channel)
    normalised : float array, (token, channel), optional
        The stream behind the norm that belongs to it: what it reads (norm before), or what it leaves
        (add & norm).
    before : float array, (token, channel), optional
        The stream that it adds to, where the recording tells.
    """

    part: str
    site: str
    added: Vectors
    normalised: Vectors | None = None
    before: Vectors | None = None


@dataclass(frozen=True)
class Layer:
    """One block: its sub-layers in the order in which they ran, and the stream behind it."""

    name: str
    site: str
    steps: tuple[Step, ...]
    after: Vectors


@dataclass(frozen=True)
class Stream:
    """The residual stream of one sequence.

    Parameters
    ----------
    words : sequence of str
        Tokens, or positions where none are known.
    start : float array, (token, channel), optional
        The stream before the first block, where the recording tells.
    layers : tuple of Layer
    norm_first : bool or None
        Whether each sub-layer reads a normalised stream (True) or leaves one (False); None: neither is seen.
    """

    words: Sequence[str]
    start: Vectors | None
    layers: tuple[Layer, ...]
    norm_first: bool | None = None


def stream_controls(subject: Subject) -> tuple[Control, ...]:
    """Which sequence (of an encoder–decoder), sample and run; then which token, at first the last."""
    recording = subject.recorded()
    found = sides(recording)
    entries = recording.entries(kind="hidden")
    controls: list[Control] = []
    if len(found) > 1:
        choices = tuple((side, SIDES[side]) for side in found)
        controls.append(Choice("side", "Stack", found[0], choices=choices, help="Whose residual stream."))
    samples = max(entry.shape[0] for entry in entries)
    if samples > 1:
        controls.append(Number("sample", "Sample", 0, minimum=0, maximum=samples - 1,
                               help="Item of the batch."))  # fmt: skip
    return (position_control(subject), *controls)


def position_control(subject: Subject) -> Control:
    """Which token; at first the last of the sequence that is shown first."""
    recording = subject.recorded()
    found = sides(recording)
    words = words_of(recording, found[0] if found else "")
    longest = max([len(words), *(len(words_of(recording, side)) for side in found)])
    said = "The token that is followed through the layers; a click on a column chooses it."
    if longest > NAMED_UP_TO:
        return Number("position", "Token", len(words) - 1, minimum=0, maximum=longest - 1, help=said)
    names = [*words, *("" for _ in range(longest - len(words)))]
    choices = tuple((at, f"{at} · {word}" if word else str(at)) for at, word in enumerate(names))
    return Choice("position", "Token", len(words) - 1, choices=choices, help=said)


def sides(recording: Recording) -> list[str]:
    """Sequences of an encoder–decoder, the decoder's first; empty for a model with one."""
    named = {side_of(entry) for entry in recording.entries(kind="hidden")}
    return [side for side in SIDES if side in named]


def parts_of(recording: Recording) -> list[str]:
    """Kinds of sub-layers whose contributions were recorded, in the order of :data:`PARTS`."""
    found = {_part(recording, site) for site in recording.sites(kind="contribution")}
    return [part for part in PARTS if part in found]


def words_of(recording: Recording, side: str = "", sample: int = 0) -> list[str]:
    """What stands at each position of a sequence."""
    entries = [e for e in recording.entries(kind="hidden") if not side or side_of(e) == side]
    if not entries:
        return []
    last = entries[-1]
    length = last.shape[_axis(last)] + int(last.attrs.get("start", {}).get("token", 0))
    whole = Entry.of(
        last.site, "hidden", np.zeros((1, length, 1)), attrs={"tokens": last.attrs.get("tokens", {})}
    )
    return list(tokens_of(whole, "token", length, recording.info, sample) or map(str, range(length)))


def stream_of(recording: Recording, side: str = "", sample: int = 0) -> Stream:
    """Read a stream.

    Raises
    ------
    NotCaptured
        When no block's output was recorded along tokens.
    """
    side = side or next(iter(sides(recording)), "")
    blocks = _blocks(recording, side)
    if not blocks:
        raise NotCaptured("no residual stream was captured: no block's output has an axis of tokens")
    words = words_of(recording, side, sample)
    start = _start(recording, blocks[0][1], sample)
    made, stream = [], start
    for name, entries in blocks:
        layer = _layer(recording, name, entries, sample=sample)
        made.append(_joined(layer, stream))
        stream = layer.after
    return Stream(words, start, tuple(made), _norm_first(recording, blocks[-1][1][0]))


def side_of(entry: Entry) -> str | None:
    """Name of the list of tokens that an entry lies along; None where there is only one."""
    found: str | None = entry.attrs.get("tokens", {}).get("token")
    return found


def _axis(entry: Entry) -> int:
    return entry.axes.index("token")


def _blocks(recording: Recording, side: str) -> list[tuple[str, list[Entry]]]:
    """Blocks in the order in which they ran, each with the entries of its calls."""
    found: dict[str, list[Entry]] = {}
    for entry in recording.entries(kind="hidden"):
        if "token" in entry.axes and (not side or side_of(entry) == side):
            found.setdefault(entry.site, []).append(entry)
    layers = (recording.info.get("facts") or {}).get("n_layers") or 1
    if len(found) == 1 and layers > 1:  # one block that runs again and again: each time is a layer
        site, entries = next(iter(found.items()))
        if len(entries) >= layers:
            return [(f"{site} ({n})", [entry]) for n, entry in enumerate(entries[-layers:])]
    return [(site, continued(entries)) for site, entries in found.items()]


def continued(entries: Sequence[Entry]) -> list[Entry]:
    """The last run, with the runs before it that it continues (a KV cache)."""
    kept = [entries[-1]]
    for entry in reversed(entries[:-1]):
        starts = int(kept[0].attrs.get("start", {}).get("token", 0))
        if (
            not starts
            or entry.shape[_axis(entry)] + int(entry.attrs.get("start", {}).get("token", 0)) != starts
        ):
            break
        kept.insert(0, entry)
    return kept


def read(entries: Sequence[Entry], sample: int) -> Vectors:
    """One sample's vectors of runs that continue each other, (token, channel)."""
    parts = [np.asarray(entry.load()[min(sample, entry.shape[0] - 1)], np.float32) for entry in entries]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _inside(recording: Recording, block: str, kind: str, calls: set[int]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in recording.entries(kind=kind):
        if entry.site.startswith(f"{block}.") and entry.call in calls and "token" in entry.axes:
            found.setdefault(entry.site, []).append(entry)
    return found


def _layer(recording: Recording, name: str, entries: list[Entry], *, sample: int) -> Layer:
    block, calls = entries[0].site, {entry.call for entry in entries}
    added = _inside(recording, block, "contribution", calls)
    steps = [Step(_part(recording, site), site, read(found, sample)) for site, found in added.items()]
    norms = [read(found, sample) for found in _inside(recording, block, "normalised", calls).values()]
    if len(norms) == len(steps):  # one each, in the order in which they ran
        steps = [Step(s.part, s.site, s.added, norm) for s, norm in zip(steps, norms, strict=True)]
    return Layer(name, block, tuple(steps), read(entries, sample))


def _joined(layer: Layer, stream: Vectors | None) -> Layer:
    """Say of each sub-layer which stream it adds to: by sums that are tried out, not by names."""
    steps = layer.steps
    if stream is None or not steps or any(step.added.shape != stream.shape for step in steps):
        return layer
    if adds_up(stream, np.sum([step.added for step in steps], axis=0), layer.after):
        return Layer(layer.name, layer.site, tuple(_one_after_another(steps, stream)), layer.after)
    ends = steps[-1].normalised
    if ends is not None and adds_up(ends, np.zeros_like(ends), layer.after):  # add & norm
        before = [stream, *(step.normalised for step in steps[:-1])]
        placed = (
            Step(s.part, s.site, s.added, s.normalised, at) for s, at in zip(steps, before, strict=True)
        )
        return Layer(layer.name, layer.site, tuple(placed), layer.after)
    return layer


def _one_after_another(steps: Sequence[Step], stream: Vectors) -> Iterator[Step]:
    for step in steps:
        yield Step(step.part, step.site, step.added, step.normalised, stream)
        stream = stream + step.added


def _start(recording: Recording, first: Sequence[Entry], sample: int) -> Vectors | None:
    """What the first block got."""
    calls = {entry.call for entry in first}
    found = [e for e in recording.entries(first[0].site, "block_input") if e.call in calls]
    return read(found, sample) if found else None


def _part(recording: Recording, site: str) -> str:
    """Whether a contribution is attention's, and to which sequence; or what mixes tokens in its place."""
    for each in recording.sites(kind="attention"):
        if each == site or each.startswith(f"{site}.") or site.startswith(f"{each}."):
            entry = next(e for e in recording.entries(each) if e.kind in ("query", "attention"))
            named = entry.attrs.get("tokens", {})
            crosses = named.get("query") == "target_tokens" and named.get("key") == "tokens"
            return "cross_attention" if crosses else "attention"
    mixes = recording.entries(site, "contribution", part="mixing")
    return "mixing" if mixes else "feed_forward"


def _norm_first(recording: Recording, entry: Entry) -> bool | None:
    """Tell by the order in which the parts of a block ran."""
    ran = [
        e.kind
        for e in recording.entries(call=entry.call)
        if e.site.startswith(f"{entry.site}.") and e.kind in ("normalised", "contribution")
    ]
    return ran[0] == "normalised" if "normalised" in ran and "contribution" in ran else None


def at_most(position: int, words: Sequence[Any]) -> int:
    """A position that the sequence has: beyond its end, its last."""
    return min(position, len(words) - 1)
