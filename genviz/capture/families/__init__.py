"""The families of models, in the order in which they are tried."""

from functools import cache
from importlib.metadata import entry_points

from genviz.capture.families.autoencoder import Autoencoder
from genviz.capture.families.base import Call, Family, Plan, Tap, given, result
from genviz.capture.families.gan import GAN
from genviz.capture.families.mixer import Mixer
from genviz.capture.families.perceptron import Perceptron
from genviz.capture.families.plain import Plain
from genviz.capture.families.transformer import Transformer
from genviz.capture.modules import Network
from genviz.errors import CaptureError

__all__ = ["FAMILIES", "Call", "Family", "Plan", "Tap", "chosen", "families", "given", "result"]

#: Tried in order; the surest wins, the earlier one of two that are equally sure.
FAMILIES: tuple[Family, ...] = (
    Transformer(),  # blocks with attention, one after the other
    GAN(),  # two networks under the usual names
    Autoencoder(),  # an encoder and a decoder that embed no ids
    Mixer(),  # layers over tokens in which nothing attends
    Perceptron(),  # linear layers only
    Plain(),  # whatever else computes: the output of each of its parts
)


@cache
def families() -> tuple[Family, ...]:
    """``FAMILIES`` and those that other packages add through the entry-point group ``genviz.families``."""
    added = tuple(entry.load()() for entry in entry_points(group="genviz.families"))
    return (*FAMILIES, *added)


def chosen(network: Network, name: str | None = None) -> Family:
    """The family of a model, by name or by its structure.

    Raises
    ------
    CaptureError
        When there is no family of that name.
    """
    present = families()
    if name is not None:
        for family in present:
            if family.name == name:
                return family
        names = ", ".join(family.name for family in present)
        raise CaptureError(f"no family {name!r}: the families are {names}")
    return max(present, key=lambda family: family.recognise(network))
