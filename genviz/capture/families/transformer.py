"""Transformers: encoder, decoder, encoder–decoder."""

from genviz.capture.families.base import Family, Plan
from genviz.capture.modules import Network


class Transformer(Family):
    """Blocks with attention, one after the other."""

    name = "transformer"

    def recognise(self, network: Network) -> float:
        """Attention somewhere."""
        return 0.0

    def plan(self, network: Network) -> Plan:
        """Attention only."""
        return Plan()
