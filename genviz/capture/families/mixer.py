"""Models of tokens in which nothing attends: state-space models, recurrences, convolutions, Fourier mixing.

They are stacks of layers that add to a residual stream, as transformers are; only there are no weights from
token to token to show, and the recording says why.
"""

from typing import Any

from genviz.capture.families import stacks
from genviz.capture.families.base import Family, Plan
from genviz.capture.families.positions import token_tables
from genviz.capture.families.transformer import Transformer
from genviz.capture.modules import Network

_STACK = Transformer()


class Mixer(Family):
    """Equal layers without attention, over tokens from a table."""

    name = "mixer"

    def recognise(self, network: Network) -> float:
        """A table of tokens and a stack of equal layers."""
        layers = stacks.without_attention(network)
        return 0.55 if layers and token_tables(network, layers) else 0.0

    def plan(self, network: Network) -> Plan:
        """Tokens, every layer and its parts, logits."""
        return _STACK.plan_of(network, stacks.without_attention(network))

    def facts(self, network: Network) -> dict[str, Any]:
        """Sizes as a transformer's; there are no heads."""
        found = _STACK.facts_of(network, stacks.without_attention(network))
        return {**found, "n_heads": None, "n_kv_heads": None, "d_head": None}

    def parts(self, network: Network) -> list[dict[str, Any]]:
        """Parameters by part."""
        return _STACK.parts_of(network, stacks.without_attention(network))
