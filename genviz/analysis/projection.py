"""Maps of high-dimensional points: PCA and UMAP, the way back, and how far a map can be trusted."""

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from genviz.analysis.neighbours import nearest, trustworthiness
from genviz.errors import NotApplicable
from genviz.shapes import Float32

Listener = Callable[[float, str], None]
METHODS = ("pca", "umap")
#: UMAP's kernels abort the process when two threads run them at once.
_ONE_UMAP = threading.Lock()
_LINEAR = "exact: the point in the plane of the components"
_WEIGHTED = "average of the 8 nearest known points, weighted by inverse distance (Shepard 1968)"
_NEAREST = 8


@dataclass(frozen=True)
class Projection:
    """Points laid out in few dimensions.

    Parameters
    ----------
    method : {"pca", "umap"}
    coordinates : array (sample, dimension)
    points : array (sample, feature)
        What was laid out.
    trustworthiness : float
        Of neighbourhoods in the map, 1 is best; see :func:`genviz.analysis.neighbours.trustworthiness`.
    seed : int
    neighbours : int
        How many neighbours UMAP keeps together, and trustworthiness looks at.
    components : array (dimension, feature), optional
        Principal directions, of length 1 (PCA).
    mean : array (feature,), optional
        Centre of the points (PCA).
    explained : array (dimension,), optional
        Share of the variance along each component (PCA).
    """

    method: str
    coordinates: Float32[np.ndarray, "sample dimension"]
    points: Float32[np.ndarray, "sample feature"]
    trustworthiness: float
    seed: int
    neighbours: int
    components: Float32[np.ndarray, "dimension feature"] | None = None
    mean: Float32[np.ndarray, " feature"] | None = None
    explained: Float32[np.ndarray, " dimension"] | None = None

    @property
    def placing(self) -> str:
        """How :meth:`place` and :meth:`invert` find what they return, in words."""
        return _LINEAR if self.components is not None else _WEIGHTED

    def place(self, points: ArrayLike) -> Float32[np.ndarray, "place dimension"]:
        """Where further points lie in this map, shape (sample, dimension).

        Exact for PCA. For UMAP the average of where the nearest known points lie (:attr:`placing`).
        """
        array = _of_width(points, self.points.shape[1], "points")
        if self.components is not None and self.mean is not None:
            return np.asarray((array - self.mean) @ self.components.T, np.float32)
        return _averaged(array, self.points, self.coordinates)

    def invert(self, coordinates: ArrayLike) -> Float32[np.ndarray, "place feature"]:
        """Points that belong to places in the map, shape (sample, feature); see :attr:`placing`."""
        array = _of_width(coordinates, self.coordinates.shape[1], "coordinates")
        if self.components is not None and self.mean is not None:
            return np.asarray(array @ self.components + self.mean, np.float32)
        return _averaged(array, self.coordinates, self.points)

    def parts(self) -> dict[str, Any]:
        """Everything but the points, as plain arrays and JSON."""
        parts = {name: value for name, value in vars(self).items() if name != "points" and value is not None}
        return {**parts, "placing": self.placing}

    @classmethod
    def from_parts(cls, parts: dict[str, Any], points: ArrayLike) -> "Projection":
        """Rebuild from :meth:`parts` and the points."""
        fields = {name: value for name, value in parts.items() if name != "placing"}
        return cls(points=np.asarray(points, np.float32), **fields)


def project(
    points: ArrayLike, *, method: str = "pca", dimensions: int = 2, seed: int = 0, neighbours: int = 15,
    listener: Listener | None = None,
) -> Projection:  # fmt: skip
    """Lay points out in few dimensions.

    Parameters
    ----------
    points : array (sample, feature)
    method : {"pca", "umap"}
        Principal components by singular value decomposition, or UMAP (McInnes et al. 2018) on exact nearest
        neighbours, begun at the principal components.
    dimensions : int
    seed : int
        Of UMAP: the same seed gives the same map.
    neighbours : int
        How many neighbours UMAP keeps together.
    listener : callable, optional
        Told ``(fraction, text)`` as UMAP goes on; what it raises ends the computation.

    Raises
    ------
    NotApplicable
        When the points are too few, too narrow, all equal, or not finite.

    Examples
    --------
    >>> found = project([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [2.0, 0.1, 1.0], [4.0, 0.0, 1.0]])
    >>> found.coordinates.shape, found.invert(found.coordinates).shape
    ((4, 2), (4, 3))
    """
    array = _checked(points, method, dimensions)
    kept = max(1, min(neighbours, (len(array) - 1) // 2))
    if method == "pca":
        coordinates, fields = _principal(array, dimensions)
    else:
        kept = min(neighbours, len(array) - 1)
        coordinates, fields = _umap(array, dimensions, seed, kept, listener), {}
    trust = trustworthiness(array, coordinates, neighbours=min(kept, max(1, (len(array) - 1) // 2)))
    return Projection(method, coordinates, array, trust, seed, kept, **fields)


def _principal(
    points: Float32[np.ndarray, "sample feature"], dimensions: int
) -> tuple[Float32[np.ndarray, "sample dimension"], dict[str, Float32[np.ndarray, "..."]]]:
    """PCA (Pearson 1901) by singular value decomposition; the largest part of each component is positive."""
    mean = points.mean(0, dtype=np.float64)
    centred = points - mean
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    components = directions[:dimensions]
    largest = np.abs(components).argmax(1)
    components *= np.sign(components[np.arange(len(components)), largest])[:, None]
    variance = lengths**2
    fields = {"components": components, "mean": mean, "explained": variance[:dimensions] / variance.sum()}
    coordinates = (centred @ components.T).astype(np.float32)
    return coordinates, {name: value.astype(np.float32) for name, value in fields.items()}


def _umap(
    points: Float32[np.ndarray, "sample feature"],
    dimensions: int,
    seed: int,
    neighbours: int,
    listener: Listener | None,
) -> Float32[np.ndarray, "sample dimension"]:
    say = listener or (lambda fraction, text: None)
    say(0.0, "waiting for another map" if _ONE_UMAP.locked() else "finding neighbours")
    with _ONE_UMAP:
        start, _ = _principal(points, dimensions)
        spread = np.abs(start).max()
        indices, distances = nearest(points, neighbours)
        say(0.1, "preparing UMAP (its first run in a process compiles it, half a minute)")
        from umap import UMAP  # brings numba, which takes seconds

        epochs = _Epochs(say)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that new points cannot be transformed: place() does not need it
            layout = UMAP(
                n_components=dimensions, n_neighbors=neighbours, random_state=seed, n_jobs=1,
                precomputed_knn=(indices, distances, None), init=(start / spread * 10).astype(np.float32),
                verbose=listener is not None,
                tqdm_kwds={"file": epochs, "disable": listener is None, "mininterval": 0.1},
            )  # fmt: skip
            with _quiet_when(listener is not None), epochs.unlocked():
                coordinates = layout.fit_transform(points)
    say(1.0, "measuring how far the map can be trusted")
    return np.asarray(coordinates, np.float32)


class _Epochs:
    """The file that UMAP's progress bar writes to; tells a listener the fraction in it."""

    def __init__(self, say: Listener) -> None:
        self._say = say
        self.stopped: BaseException | None = None

    def write(self, text: str) -> None:
        found = re.search(r"(\d+)/(\d+)", text)
        if found is None or self.stopped is not None:
            return
        try:
            self._say(0.1 + 0.9 * int(found[1]) / max(1, int(found[2])), "laying out")
        except BaseException as error:
            self.stopped = error
            raise

    def flush(self) -> None:
        """Nothing is kept back."""

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Give back the lock that tqdm holds while it writes, and forgets when the writing raises."""
        try:
            yield
        finally:
            if self.stopped is not None:
                from tqdm import tqdm

                with contextlib.suppress(RuntimeError, AssertionError):
                    tqdm.get_lock().release()


def _quiet_when(verbose: bool) -> Any:
    """UMAP prints its steps when it shows progress; they are for nobody."""
    return contextlib.redirect_stdout(io.StringIO()) if verbose else contextlib.nullcontext()


def _averaged(
    asked: Float32[np.ndarray, "place feature"],
    known: Float32[np.ndarray, "sample feature"],
    values: Float32[np.ndarray, "sample value"],
) -> Float32[np.ndarray, "place value"]:
    """Inverse-distance-weighted average of the values of the nearest known places (Shepard 1968)."""
    indices, distances = nearest(known, min(_NEAREST, len(known)), asked)
    weights = 1.0 / np.maximum(distances.astype(np.float64), 1e-12) ** 2
    exact = distances <= 1e-7 * max(1.0, float(np.abs(known).max()))
    weights = np.where(exact.any(1, keepdims=True), exact, weights)
    weights /= weights.sum(1, keepdims=True)
    return np.asarray(np.einsum("nk,nkf->nf", weights, values[indices]), np.float32)


def _of_width(values: ArrayLike, width: int, what: str) -> Float32[np.ndarray, "place feature"]:
    array = np.atleast_2d(np.asarray(values, np.float32))
    if array.ndim != 2 or array.shape[1] != width:
        raise NotApplicable(f"{what} of shape {array.shape} do not fit this map: give (sample, {width})")
    return array


def _checked(points: ArrayLike, method: str, dimensions: int) -> Float32[np.ndarray, "sample feature"]:
    if method not in METHODS:
        raise NotApplicable(f"no projection {method!r}: the methods are {', '.join(METHODS)}")
    array = np.asarray(points, np.float32)
    if array.ndim != 2:
        raise NotApplicable(f"points of shape {array.shape} cannot be projected: give (sample, feature)")
    needed = max(4, dimensions + 2)
    if len(array) < needed:
        raise NotApplicable(f"{len(array)} points are too few for a map: at least {needed} are needed")
    if not 1 <= dimensions <= array.shape[1]:
        raise NotApplicable(
            f"points of {array.shape[1]} numbers cannot be laid out in {dimensions} dimensions: "
            f"choose 1 … {array.shape[1]}"
        )
    bad = ~np.isfinite(array).all(1)
    if bad.any():
        raise NotApplicable(
            f"{bad.sum()} of {len(array)} points hold NaN or infinity (the first is point "
            f"{int(bad.argmax())}): "
            "leave them out, or look at why the model makes them"
        )
    if (array == array[0]).all():
        raise NotApplicable(f"all {len(array)} points are equal, so there is nothing to lay out")
    return array
