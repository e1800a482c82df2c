"""Any other model: the output of each part that it is made of."""

from genviz.capture.families.base import Family, Plan, Tap
from genviz.capture.families.structure import units
from genviz.capture.modules import Network


class Plain(Family):
    """A model that no other family recognises."""

    name = "plain"

    def recognise(self, network: Network) -> float:
        """Any model, with the least certainty."""
        return 0.01

    def plan(self, network: Network) -> Plan:
        """Tap the direct children of the model (deeper where there is only one)."""
        taps = []
        for root in network.roots:
            children = [path for path, _ in units(network, root)]  # a list of parts does not run itself
            while len(children) == 1 and (deeper := [path for path, _ in units(network, children[0])]):
                children = deeper
            taps += [Tap(path, "activation") for path in children or [root]]
        return Plan(tuple(taps))
