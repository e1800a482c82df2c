"""How attention is seen: four routes, tried from the highest level to the lowest."""

from collections.abc import Iterator

from genviz.capture.attention import mixing, multi_head, registry, sdpa, softmax
from genviz.capture.hooks import StandIn
from genviz.capture.modules import Network

#: In order of precedence: what a higher route has seen, a lower one below it does not report again.
ROUTES = (registry, multi_head, sdpa, softmax)


def stand_ins(network: Network, values: bool = False) -> Iterator[StandIn]:
    """Everything to put in place while attention of a model (and what it mixes) is captured."""
    for route in ROUTES:
        yield from route.stand_ins(network)
    if values:
        yield from mixing.stand_ins(network)
