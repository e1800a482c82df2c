"""Which sequence a part of a transformer works on: the input's, or the output's (encoder–decoder)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genviz.capture.families.base import Call
from genviz.capture.families.structure import Block
from genviz.capture.modules import Network, parent

_TARGET = re.compile(r"(^|[._])(tgt|target|dec|decoder|trg|output)", re.IGNORECASE)


@dataclass(frozen=True)
class Sides:
    """The two stacks of an encoder–decoder, if it is one.

    Parameters
    ----------
    decoder : tuple of str
        Paths that hold the decoder; empty for a model with one sequence.
    encoder : tuple of str
    """

    decoder: tuple[str, ...] = ()
    encoder: tuple[str, ...] = ()

    @property
    def two(self) -> bool:
        """Tell whether there are two sequences."""
        return bool(self.decoder)

    @classmethod
    def of(cls, network: Network, layers: tuple[Block, ...]) -> "Sides":
        """Tell the stacks apart: a decoder's blocks attend to another sequence, an encoder's do not."""
        for stack in (_holder, _list):
            decoder = {stack(network, block.path) for block in layers if block.cross}
            encoder = {stack(network, block.path) for block in layers if not block.cross}
            if decoder and encoder - decoder and not decoder & encoder:
                return cls(tuple(sorted(decoder)), tuple(sorted(encoder)))
        return cls()

    def name(self, path: str) -> str | None:
        """Token list of a path, or None when it belongs to neither stack by its place."""
        for names, prefixes in (("target_tokens", self.decoder), ("tokens", self.encoder)):
            if any(path == prefix or path.startswith(f"{prefix}.") for prefix in prefixes):
                return names
        return None

    def at(self, path: str) -> Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]:
        """Attributes of arrays along tokens at a path."""
        if not self.two:
            return {}
        found = self.name(path) or ("target_tokens" if _TARGET.search(path) else None)
        if found:
            return _labelled(found)

        def told(call: Call) -> Mapping[str, Any]:
            """A table that both sides share: whose turn it is shows in what runs around it."""
            around = next((name for each in reversed(call.stack[:-1]) if (name := self.name(each))), None)
            return _labelled(around or ("target_tokens" if call.number % 2 else "tokens"))

        return told

    def last(self) -> Mapping[str, Any]:
        """Attributes of what the model as a whole gives along tokens."""
        return _labelled("target_tokens") if self.two else {}

    def attention(self, layers: tuple[Block, ...]) -> dict[str, Mapping[str, Any]]:
        """Which list labels queries and keys of each attention module."""
        if not self.two:
            return {}
        return {
            path: {
                "tokens": {
                    "query": "target_tokens" if block.cross else self.name(block.path) or "tokens",
                    "key": "tokens" if path in block.cross else self.name(block.path) or "tokens",
                }
            }
            for block in layers
            for path in block.attention
        }


def _list(network: Network, block: str) -> str:
    return parent(block) or block


def _holder(network: Network, block: str) -> str:
    """What holds the list of blocks, unless that is the model itself."""
    above = parent(parent(block))
    return above if above and above not in network.roots else _list(network, block)


def _labelled(name: str) -> dict[str, Any]:
    return {"tokens": {"token": name}}
