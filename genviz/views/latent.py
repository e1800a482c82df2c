"""What the views of latent space share: the codes, what is known of the items, two first picks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.figures.latent_map import Colouring
from genviz.recording import Entry, Recording
from genviz.recording.labels import has_labels
from genviz.views.controls import Control, Picks


@dataclass(frozen=True)
class Codes:
    """Latent codes of a recording.

    Parameters
    ----------
    site : str
    kind : str
        ``mean`` where the model gives a distribution, else ``latent``.
    values : float array, (sample, latent)
    item_shape : tuple of int
        Shape of one code as the decoder takes it.
    entry : Entry
        Where they come from.
    """

    site: str
    kind: str
    values: NDArray[np.float32]
    item_shape: tuple[int, ...]
    entry: Entry


def codes_of(recording: Recording) -> Codes:
    """Read the codes: a VAE's means (codes without noise), else the latent codes; spatial ones flattened.

    Raises
    ------
    NotCaptured
        When there are none.
    """
    for kind in ("mean", "latent"):
        for site in recording.sites(kind=kind):
            entry = recording.entries(site, kind)[-1]
            array = np.asarray(entry.load(), np.float32)
            return Codes(site, kind, array.reshape(len(array), -1), array.shape[1:], entry)
    raise NotCaptured(f"no latent codes: this recording has {', '.join(recording.kinds()) or 'nothing'}")


def colourings(recording: Recording, codes: Codes) -> dict[str, Colouring]:
    """Everything that has one known value per item: labels, then recorded scalars such as scores.

    Codes of generated items take neither the labels of the data nor scalars of real items.
    """
    found: dict[str, Colouring] = {}
    count, source = len(codes.values), codes.entry.attrs.get("source")
    for name in recording.info.get("labels", {}) if has_labels(codes.entry) else ():
        values = recording.labels(name)
        if values.shape == (count,):
            found[name] = Colouring(name, values)
    for entry in recording.entries(step=codes.entry.step):
        if entry.shape == (count,) and entry.axes == ("sample",) and entry.attrs.get("source") == source:
            found.setdefault(entry.kind, Colouring(entry.kind, np.asarray(entry.load())))
    return found


def first_picks(codes: NDArray[np.float32], colouring: Colouring | None) -> tuple[int, ...]:
    """Two items for a first sight: typical ones of the two classes that lie farthest apart.

    Without classes: the items that lie lowest and highest along the direction of largest spread.
    """
    if len(codes) < 2:
        return ()
    classes = [] if colouring is None else colouring.classes
    if colouring is None or len(classes) < 2:
        centred = codes - codes.mean(axis=0)
        along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
        return int(along.argmin()), int(along.argmax())
    groups = [colouring.members(chosen) for chosen in classes]
    centres = np.stack([codes[group].mean(axis=0) for group in groups])
    apart = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    ends = np.unravel_index(int(np.triu(apart).argmax()), apart.shape)
    typical = [groups[at][((codes[groups[at]] - centres[at]) ** 2).sum(axis=1).argmin()] for at in ends]
    return int(typical[0]), int(typical[1])


def picks_control(recording: Recording, codes: Codes) -> Control:
    """The two items between which a path runs."""
    known = colourings(recording, codes)
    return Picks("picks", "Two items", first_picks(codes.values, known.get(first_colour(known))),
                 count=len(codes.values), most=2,
                 help="Click two points on the map; the path runs from A to B.")  # fmt: skip


def first_colour(known: Mapping[str, Colouring]) -> str:
    """Name of the first sight's colouring: the first with classes, else the first; or ``none``."""
    return next((name for name, found in known.items() if found.classes), next(iter(known), "none"))
