"""Maps of codes for views: PCA here, UMAP in a process of its own; both remembered by content."""

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genviz.analysis.projection import Projection

KEPT = 16  # maps remembered in this process; UMAP's are on disk besides

_LOCK = threading.Lock()
_KNOWN: "OrderedDict[str, Projection]" = OrderedDict()
_ENGINE: list[Any] = []


def layout(points: NDArray[np.float32], *, method: str, seed: int) -> "Projection":
    """Lay points out in two dimensions.

    UMAP compiles for half a minute when it first runs, holds on to a quarter of a gigabyte and must not run
    in two threads: it has a process of its own, started when first asked for, ended with this one.

    Parameters
    ----------
    points : float32 array, (sample, feature)
    method : {"pca", "umap"}
    seed : int
    """
    key = hashlib.sha256(np.ascontiguousarray(points).data).hexdigest() + f"{points.shape}{method}{seed}"
    with _LOCK:
        if key in _KNOWN:
            _KNOWN.move_to_end(key)
            return _KNOWN[key]
    found = _pca(points) if method == "pca" else _umap(points, seed)
    with _LOCK:
        _KNOWN[key] = found
        while len(_KNOWN) > KEPT:
            _KNOWN.popitem(last=False)
    return found


def warm() -> None:
    """Begin to compile UMAP in its own process, without waiting for it."""
    _engine().submit("warm")


def _pca(points: NDArray[np.float32]) -> "Projection":
    from genviz.analysis.projection import project  # brings scikit-learn, which takes a second

    return project(points, method="pca", dimensions=2)


def _umap(points: NDArray[np.float32], seed: int) -> "Projection":
    from genviz.analysis.projection import Projection

    parts = _engine().call("project", points=points, method="umap", dimensions=2, seed=seed)
    return Projection.from_parts(parts, points)


def _engine() -> Any:
    with _LOCK:
        if not _ENGINE:
            from genviz.live import ProcessEngine

            # What is being compiled cannot be stopped, and would be lost with the process.
            _ENGINE.append(ProcessEngine("projector", grace=120.0))
        return _ENGINE[0]
