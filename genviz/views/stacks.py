"""Stacks of self-attention: layers whose weights can be followed from the last to the first."""

import re
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.rollout import flow, flows, rollout
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views.attended_tokens import crossed, token_list
from genviz.views.attending import ALL_CALLS, AttentionSite
from genviz.views.head_scores import running

LONGEST = 1024  # tokens up to which whole maps are multiplied
FLOW_MAP_UP_TO = 20  # tokens up to which the flow of every pair is worked out
FLOW_ROW_UP_TO = 96  # tokens up to which the flow from one token is worked out


@dataclass(frozen=True)
class Stack:
    """Self-attention of the layers of one encoder or decoder, first layer first.

    Parameters
    ----------
    name : str
        What its sites have in common, with ``#`` for the layer.
    sites : tuple of str
    tokens : str
        The list that its tokens are in: ``tokens`` or ``target_tokens``.
    """

    name: str
    sites: tuple[str, ...]
    tokens: str


def stacks(recording: Recording, sample: int, call: Any) -> tuple[Stack, ...]:
    """Stacks of self-attention in the order in which they ran.

    Raises
    ------
    NotCaptured
        When no site is self-attention over one text.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for site in running(recording, call):
        here = AttentionSite.of(recording, site, sample, call=call)
        if here.shape[0] == here.shape[1] and not crossed(here):
            found.setdefault((re.sub(r"\d+", "#", site), token_list(here, "query")), []).append(site)
    if not found:
        raise NotCaptured(
            "no layer attends from all tokens of one text to all of them, so nothing can be followed through "
            "layers; with a key/value cache choose all calls together"
        )
    return tuple(Stack(name, tuple(sites), tokens) for (name, tokens), sites in found.items())


@dataclass(frozen=True)
class Followed:
    """Attention of a stack followed to one layer.

    Parameters
    ----------
    names : list
        Tokens, or positions.
    layers : float array, (layer, query, key)
        Heads averaged.
    rolled : float array, (layer, query, key)
        Rollout up to each layer.
    """

    names: list[Any]
    layers: NDArray[np.float32]
    rolled: NDArray[np.float64]
    _flows: dict[tuple[int, int], NDArray[np.float64]]

    def flow_row(self, layer: int, query: int) -> NDArray[np.float64] | None:
        """Flow from one token after a layer; None above :data:`FLOW_ROW_UP_TO` tokens."""
        if len(self.names) > FLOW_ROW_UP_TO:
            return None
        if (layer, query) not in self._flows:
            self._flows[layer, query] = flow(self.layers[: layer + 1], query)
        return self._flows[layer, query]

    def flow_map(self, layer: int) -> NDArray[np.float64] | None:
        """Flow of every pair after a layer; None above :data:`FLOW_MAP_UP_TO` tokens."""
        if len(self.names) > FLOW_MAP_UP_TO:
            return None
        if (layer, -1) not in self._flows:
            self._flows[layer, -1] = flows(self.layers[: layer + 1])
        return self._flows[layer, -1]


_Key = tuple[int, str, int, str]
_FOLLOWED: WeakKeyDictionary[Recording, dict[_Key, Followed]] = WeakKeyDictionary()


def followed(recording: Recording, stack: Stack, sample: int, call: Any = ALL_CALLS) -> Followed:
    """Average the heads of each layer and roll them out; remembered until the recording grows.

    Raises
    ------
    NotCaptured
        Above :data:`LONGEST` tokens.
    """
    known = _FOLLOWED.setdefault(recording, {})
    key = (len(recording), stack.name + stack.tokens, sample, str(call))
    if key not in known:
        opened = [AttentionSite.of(recording, site, sample, call=call) for site in stack.sites]
        count = opened[0].shape[0]
        if count > LONGEST:
            raise NotCaptured(
                f"rollout and flow need every weight of every layer at once: {count:,} tokens are too many "
                f"(at most {LONGEST:,}); record a shorter text, or look at single layers"
            )
        layers = np.stack([_averaged(here) for here in opened])
        known[key] = Followed(opened[0].names[0], layers, rollout(layers), {})
    return known[key]


def _averaged(here: AttentionSite) -> NDArray[np.float32]:
    rows = np.arange(here.shape[0])
    total = np.zeros(here.shape)
    for head in range(here.heads):
        total += here.weights(head, rows)
    return (total / here.heads).astype(np.float32)
