"""Maps of points as a service: worked out in a process of its own, and kept on disk by content."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genviz.analysis.projection import Projection, project
from genviz.errors import DamagedFrame
from genviz.live.progress import report
from genviz.store import decode_frame, encode_frame

#: Part of every key: raised when the same arguments would give another map.
VERSION = 1
#: Maps that are kept; the least recently written go first.
KEPT = 200


class Projector:
    """Lays points out, and remembers: the source ``"projector"`` of an engine.

    Parameters
    ----------
    folder : path, optional
        Where maps are kept; default: genviz's folder in the user's cache.
    """

    abilities = ("project", "warm")

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = cache_folder() if folder is None else folder

    def describe(self) -> dict[str, Any]:
        """Tell what this is."""
        return {"title": "Projector", "abilities": list(self.abilities), "defaults": {}}

    def project(
        self,
        points: ArrayLike,
        method: str = "umap",
        dimensions: int = 2,
        seed: int = 0,
        neighbours: int = 15,
    ) -> dict[str, Any]:
        """Lay points out; a map that was made before is read from disk.

        Returns
        -------
        dict
            :meth:`Projection.parts`: ``coordinates`` (sample, dimension), ``trustworthiness``, ``placing``;
            for PCA also ``components``, ``mean``, ``explained``. ``Projection.from_parts(result, points)``
            can ``place`` and ``invert``.
        """
        return projected(
            points, method=method, dimensions=dimensions, seed=seed, neighbours=neighbours, folder=self.folder
        ).parts()

    def warm(self) -> bool:
        """Compile UMAP now, so that the first map does not wait for it."""
        points = np.random.default_rng(0).standard_normal((64, 4)).astype(np.float32)
        project(points, method="umap", listener=report)
        return True


def projected(points: ArrayLike, *, folder: Path | None = None, **arguments: Any) -> Projection:
    """Do as :func:`genviz.analysis.projection.project` does, reading a map that was made before from disk.

    Parameters
    ----------
    points : array (sample, feature)
    folder : path, optional
    **arguments
        ``method``, ``dimensions``, ``seed``, ``neighbours``.
    """
    array = np.ascontiguousarray(points, np.float32)
    if arguments.get("method", "pca") == "pca":  # faster worked out than read
        return project(array, **arguments)
    path = (cache_folder() if folder is None else folder) / f"{_key(array, arguments)}.safetensors"
    found = _read(path, array)
    if found is None:
        found = project(array, listener=report, **arguments)
        _write(path, found)
    return found


def cache_folder() -> Path:
    """Where maps are kept between runs."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("genviz")) / "projections"


def _key(points: NDArray[np.float32], arguments: dict[str, Any]) -> str:
    digest = hashlib.sha256(points.data)
    digest.update(repr((VERSION, points.shape, sorted(arguments.items()))).encode())
    return digest.hexdigest()[:40]


def _read(path: Path, points: NDArray[np.float32]) -> Projection | None:
    """A map from disk; one that is damaged or not there is worked out anew."""
    try:
        frame = decode_frame(path.read_bytes(), path.name)
        arrays = {described["part"]: frame.array(described["name"]) for described in frame.arrays}
        return Projection.from_parts({**frame.info, **arrays}, points)
    except (OSError, DamagedFrame, KeyError, TypeError):
        return None


def _write(path: Path, found: Projection) -> None:
    """Keep a map; a cache that cannot be written is no reason to fail."""
    parts = found.parts()
    arrays = [({"part": name}, value) for name, value in parts.items() if isinstance(value, np.ndarray)]
    plain = {name: value for name, value in parts.items() if not isinstance(value, np.ndarray)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(encode_frame(arrays, plain))
        temporary.replace(path)
        _prune(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)
    for file in files[:-KEPT]:
        file.unlink(missing_ok=True)
