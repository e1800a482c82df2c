"""Attention calls → entries: what is kept of each, and how it joins the calls before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch

from genviz.attention import MaskRule
from genviz.capture.attention.masks import Masking, MaskReader
from genviz.capture.attention.seen import Seen
from genviz.capture.copies import Kept, Unreadable, snapshot
from genviz.capture.keeper import Keeper
from genviz.capture.keys import Continuation, KeyHistory
from genviz.recording import Entry, Missing

_NO_VALUE = (
    "no matrix product of the attention weights and one value per key was seen after the softmax: the model "
    "mixes its values in another way"
)


@dataclass
class _Site:
    """What is remembered about one site from call to call."""

    calls: int = 0
    history: KeyHistory = field(default_factory=KeyHistory)
    keys_before: int = 0


class AttentionKeeper:
    """Keeps attention calls.

    Parameters
    ----------
    keeper : Keeper
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._sites: dict[str, _Site] = {}
        self._masks = MaskReader()
        self._bias: tuple[torch.Tensor, str, int] | None = None
        self._awaiting: WeakKeyDictionary[Seen, tuple[str, int, dict[str, Any]]] = WeakKeyDictionary()
        #: Position of the first token of the current run in the sequence that it continues.
        self.offset = 0

    def new_run(self) -> None:
        """The model is called anew."""
        self.offset = 0

    def end_run(self) -> None:
        """The call is over: masks that layers shared are let go."""
        self._masks.forget()
        self._bias = None

    def attended(self, site: str, seen: Seen, attrs: Mapping[str, Any]) -> None:
        """Keep one call at a site."""
        if not self._keeper.wants(site, "attention", "query", "key", "value"):
            return
        state = self._sites.setdefault(site, _Site())
        call, state.calls = state.calls, state.calls + 1
        try:
            if seen.weights is not None:
                self._finished(site, seen, call, attrs)
            else:
                self._inputs(site, seen, call, attrs)
        except Unreadable as error:
            self._keeper.lose(site, "attention", str(error))
        except Exception as error:  # the user's run goes on
            self._keeper.lose(site, "attention", f"reading it failed ({type(error).__name__}: {error})")

    def _finished(self, site: str, seen: Seen, call: int, attrs: Mapping[str, Any]) -> None:
        state = self._sites[site]
        queries, keys = seen.lengths
        start = state.keys_before if call and keys == state.keys_before + queries else 0
        self.offset = max(self.offset, start)
        state.keys_before = keys
        assert seen.weights is not None
        self._keeper.keep(
            site, "attention", seen.weights, call=call,
            attrs={**attrs, "route": seen.route, **_started(start)},
        )  # fmt: skip
        self._awaiting[seen] = (site, call, {**attrs, "route": seen.route})
        self.valued(seen)

    def valued(self, seen: Seen) -> None:
        """Keep the values of a call whose weights were kept."""
        where = self._awaiting.get(seen)
        if where is None or seen.value is None or not self._keeper.wants_values:
            return
        del self._awaiting[seen]
        site, call, attrs = where
        self._keeper.keep(site, "value", seen.value, call=call, attrs=attrs)

    def missing(self) -> list[Missing]:
        """Values that were asked for and not seen."""
        kept = self._sites if self._keeper.wants_values else ()
        return [Missing(site, "value", _NO_VALUE) for site in kept if not self._keeper.has(site, "value")]

    def _inputs(self, site: str, seen: Seen, call: int, attrs: Mapping[str, Any]) -> None:
        query, key = _whole_batch(seen)
        masking = self._masking(seen)
        key, masking = _without_unfilled(key, masking, query.shape[2])
        state = self._sites[site]
        continued = state.history.continued(key, query.shape[2], self.offset > 0)
        fresh = snapshot(key[:, :, continued.start - continued.dropped :])
        grows = continued.start > 0 and fresh.shape[2] > 0
        start = continued.start if grows else self.offset if continued.start else 0
        if grows:
            self.offset = max(self.offset, start)
        rule = _shifted(masking.rule, continued, key.shape[2], query.shape[2])
        own = {**attrs, "route": seen.route, "rule": rule.to_json(), **_started(start)}
        if rule.offset and not start:
            own["start"] = {"query": 0}  # keys stand before the first token, but no tokens do
        bias = masking.bias
        if bias is not None:
            own.update(self._shared_bias(bias, site, call))
        entry = self._keeper.add(site, "query", Kept(snapshot(query)), call=call, attrs=own)
        self._keeper.add(
            site, "key", Kept(fresh), call=call,
            attrs={**attrs, "route": seen.route, **_continuing(continued.start)},
        )  # fmt: skip
        if continued.start:
            state.history.extend(fresh)
        else:
            state.history.restart(fresh)
        self._beside(site, masking, seen, call, continued)
        if self._keeper.wants_values:
            self._mixed(site, seen, call, (key.shape, continued, attrs))
        if self._keeper.settings.verify:
            self._verify(entry, seen, masking, key)

    def _mixed(
        self, site: str, seen: Seen, call: int, keys: tuple[torch.Size, Continuation, Mapping[str, Any]]
    ) -> None:
        """Keep the values that belong to the keys that were kept."""
        (samples, _, count, _), continued, attrs = keys
        value = seen.project() if seen.value is None and seen.project is not None else seen.value
        if value is None or value.ndim != 4 or value.shape[2] < count:
            return
        fresh = value[:, :, continued.start - continued.dropped : count].expand(samples, -1, -1, -1)
        self._keeper.keep(
            site, "value", fresh, call=call,
            attrs={**attrs, "route": seen.route, **_continuing(continued.start)},
        )  # fmt: skip

    def _masking(self, seen: Seen) -> Masking:
        rule = MaskRule(seen.causal, seen.offset, seen.window, seen.scale, seen.softcap)
        if seen.mask is None:
            return Masking(rule, seen.key_mask)
        read = self._masks.read(seen.mask, seen.lengths)
        found = replace(read.rule, scale=seen.scale, softcap=seen.softcap)
        key_mask = read.key_mask
        if seen.key_mask is not None:
            key_mask = seen.key_mask if key_mask is None else key_mask & seen.key_mask
        if seen.causal and not found.causal:
            found = replace(found, causal=True, offset=seen.offset)
        return Masking(found, key_mask, read.bias)

    def _shared_bias(self, bias: torch.Tensor, site: str, call: int) -> dict[str, Any]:
        """Layers that add the same bias keep it once: the others say where."""
        if self._bias is not None:
            known, where, at = self._bias
            if known.shape == bias.shape and known.device == bias.device and torch.equal(known, bias):
                return {"bias_at": [where, at]}
        kept = snapshot(bias)
        self._bias = (kept, site, call)
        self._keeper.add(site, "attention_bias", Kept(kept), call=call)
        return {}

    def _beside(self, site: str, masking: Masking, seen: Seen, call: int, continued: Continuation) -> None:
        key_mask = masking.key_mask
        if key_mask is not None:
            if continued.dropped:
                gone = key_mask.new_zeros(key_mask.shape[0], continued.dropped)
                key_mask = torch.cat([gone, key_mask], 1)
            self._keeper.add(site, "key_mask", Kept(snapshot(key_mask)), call=call)
        if seen.sinks is not None:
            sinks = snapshot(seen.sinks.flatten())
            self._keeper.add(site, "bias", Kept(sinks), call=call, axes=("head",), attrs={"role": "sinks"})

    def _verify(self, entry: Entry, seen: Seen, masking: Masking, key: torch.Tensor) -> None:
        from genviz.capture.verifying import error_of

        if seen.value is not None and seen.output is not None and isinstance(entry.attrs, dict):
            entry.attrs["error"] = error_of(seen, masking, key)


def _whole_batch(seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries or keys that one sample shares with all (learned queries) are repeated as views."""
    query, key = seen.query, seen.key
    assert query is not None
    assert key is not None
    samples = max(query.shape[0], key.shape[0])
    return query.expand(samples, -1, -1, -1), key.expand(samples, -1, -1, -1)


def _without_unfilled(key: torch.Tensor, masking: Masking, queries: int) -> tuple[torch.Tensor, Masking]:
    """Leave out the tail of a static cache: keys beyond the last that anybody may attend to."""
    if queries >= key.shape[2] or masking.bias is not None:
        return key, masking
    filled = key.shape[2]
    if masking.rule.causal:
        filled = min(filled, queries + masking.rule.offset)
    if masking.key_mask is not None:
        seen = masking.key_mask.any(0).nonzero()
        filled = min(filled, int(seen[-1]) + 1 if seen.numel() else filled)
        return key[:, :, :filled], _cut(masking, filled)
    return key[:, :, :filled], masking


def _cut(masking: Masking, filled: int) -> Masking:
    assert masking.key_mask is not None
    key_mask = masking.key_mask[:, :filled]
    return replace(masking, key_mask=None if bool(key_mask.all()) else key_mask)


def _shifted(rule: MaskRule, continued: Continuation, keys: int, queries: int) -> MaskRule:
    """The rule counted from the first key of the sequence, where a sliding cache has dropped some."""
    if not continued.dropped:
        return rule
    if not rule.causal and queries == 1:
        rule = replace(rule, causal=True, offset=keys - 1)
    return replace(rule, offset=rule.offset + continued.dropped, window=rule.window or keys)


def _continuing(start: int) -> dict[str, Any]:
    return {"key_start": start} if start else {}


def _started(start: int) -> dict[str, Any]:
    return {"start": {"query": start}} if start else {}
