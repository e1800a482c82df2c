from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genviz.analysis.projection import Projection
from genviz.errors import NotApplicable
from genviz.live import ProcessEngine
from genviz.live import projector as module
from genviz.live.projector import Projector, projected


def points(count: int = 40) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((count, 6)).astype(np.float32)


def test_pca_leaves_no_file(tmp_path: Path) -> None:
    parts = Projector(tmp_path).project(points(), method="pca")
    assert parts["coordinates"].shape == (40, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_umap_is_read_from_disk_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = projected(points(), method="umap", folder=tmp_path)
    (kept,) = tmp_path.glob("*.safetensors")

    def refuse(*_: object, **__: object) -> Projection:
        raise AssertionError("it was worked out again")

    with monkeypatch.context() as patch:
        patch.setattr(module, "project", refuse)
        again = projected(points(), method="umap", folder=tmp_path)
        np.testing.assert_array_equal(again.coordinates, first.coordinates)
        np.testing.assert_array_equal(again.invert([[0, 0]]), first.invert([[0, 0]]))
        for other in ({"seed": 1}, {"neighbours": 7}):
            with pytest.raises(AssertionError, match="again"):
                projected(points(), method="umap", folder=tmp_path, **other)
        with pytest.raises(AssertionError, match="again"):
            projected(points() + 1, method="umap", folder=tmp_path)

    damaged = bytearray(kept.read_bytes())
    damaged[-5] ^= 1
    kept.write_bytes(bytes(damaged))
    repaired = projected(points(), method="umap", folder=tmp_path)
    np.testing.assert_array_equal(repaired.coordinates, first.coordinates)


@pytest.mark.slow
def test_an_unwritable_cache_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert projected(points(), method="umap", folder=blocked / "below").coordinates.shape == (40, 2)


def test_only_so_many_maps_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    found = projected(points(), method="pca")
    for number in range(6):
        module._write(tmp_path / f"{number}.safetensors", found)
    assert len(list(tmp_path.iterdir())) == 3


def test_as_a_process() -> None:
    with ProcessEngine("projector") as engine:
        assert engine.info["title"] == "Projector"
        parts = engine.call("project", points=points(), method="pca", dimensions=3)
        assert Projection.from_parts(parts, points()).invert(parts["coordinates"]).shape == (40, 6)
        with pytest.raises(NotApplicable, match="all 9 points are equal"):
            engine.call("project", points=np.ones((9, 3)), method="pca")
