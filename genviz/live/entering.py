"""What goes into the first block of a transformer: token vectors with everything that is added to them."""

from dataclasses import replace

from genviz.capture.families import structure
from genviz.capture.families.base import Plan, Tap, given
from genviz.capture.families.sides import Sides
from genviz.capture.families.transformer import Transformer
from genviz.capture.modules import Network
from genviz.recording import Entry, Recording

#: The lists that tokens are in: of an encoder or decoder, and of what an encoder–decoder writes.
SIDES = ("tokens", "target_tokens")
#: Ends the site under which it is kept, as kind ``hidden``: ``layers.0 (input)``.
INPUT = " (input)"


class Entering(Transformer):
    """A transformer, of which also the first block's input is captured, per sequence."""

    def plan(self, network: Network) -> Plan:
        """Add taps to the plan of a transformer."""
        plan = super().plan(network)
        layers = structure.blocks(network, structure.attention_modules(network))
        sides = Sides.of(network, layers)
        firsts = {sides.name(block.path): block.path for block in reversed(layers)}
        taps = [
            Tap(path, "hidden", site=path + INPUT, take=given, attrs=sides.at(path))
            for path in firsts.values()
        ]
        return replace(plan, taps=(*plan.taps, *taps))


def on_side(entry: Entry, side: str) -> bool:
    """Tell whether an array runs along the tokens of ``"tokens"`` or of ``"target_tokens"``."""
    told = entry.attrs.get("tokens") or {}
    return str(told.get("token", told.get("query", "tokens"))) == side


def entered(recording: Recording, side: str = "tokens") -> Entry | None:
    """The first block's input on one side."""
    found = [e for e in recording.entries(kind="hidden") if e.site.endswith(INPUT) and on_side(e, side)]
    return found[0] if found else None
