"""A recording as its readers use it: found, labelled, saved, led out; and what it says when it cannot be."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import genviz
from genviz.errors import NotARecording, NotCaptured, RecordingError, UnknownSite
from genviz.recording import Entry, Recording


def array(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def recording() -> Recording:
    found = Recording(info={"tokens": [["a", "b", "c"]], "labels": {"class": [7, 8]}})
    found.add("layers.0", "hidden", array(1, 3, 4))
    found.add("layers.0", "neuron", array(1, 3, 5))
    found.add("encoder", "latent", array(2, 6))
    found.info["missing"] = [{"site": "layers.1", "kind": "hidden", "reason": "it did not run"}]
    return found


def test_what_is_there() -> None:
    found = recording()
    assert found.sites() == ("layers.0", "encoder")
    assert found.sites(kind="neuron") == ("layers.0",)
    assert found.kinds("layers.0") == ("hidden", "neuron")
    assert len(found) == 3
    assert found.nbytes == 4 * (12 + 15 + 12)
    assert found.tokens == (("a", "b", "c"),)
    assert found.labels("class").tolist() == [7, 8]


def test_arrays_carry_their_axes_tokens_and_labels() -> None:
    found = recording()
    hidden = found["layers.0", "hidden"]
    assert hidden.dims == ("sample", "token", "channel")
    assert list(hidden.coords["token"].values) == ["a", "b", "c"]
    latent = found["encoder", "latent"]
    assert list(latent.coords["class"].values) == [7, 8]
    np.testing.assert_array_equal(latent, array(2, 6))


def test_several_calls_are_stacked_or_chosen() -> None:
    found = Recording()
    for call in range(3):
        found.add("net", "activation", array(2, 4, seed=call), call=call)
    assert found["net", "activation"].dims == ("call", "sample", "unit")
    np.testing.assert_array_equal(found.array("net", "activation", call=2), array(2, 4, seed=2))
    with pytest.raises(NotCaptured) as caught:
        found.entry("net", "activation")
    assert str(caught.value) == ("activation at 'net' was captured 3 times: choose one with call= (0 … 2)")


def test_absence_is_told_with_its_reason() -> None:
    found = recording()
    with pytest.raises(NotCaptured) as caught:
        found["layers.1", "hidden"]
    assert str(caught.value) == "hidden at 'layers.1' was not captured, because it did not run"
    with pytest.raises(UnknownSite, match=r"no site 'layers.9': this recording has layers.0, encoder"):
        found["layers.9", "hidden"]
    with pytest.raises(NotCaptured, match=r"no score at 'encoder': captured there: latent"):
        found["encoder", "score"]
    with pytest.raises(NotCaptured, match=r"no labels 'name': this recording has class"):
        found.labels("name")


def test_an_entry_of_unknown_kind_or_axes_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="no kind 'thought'"):
        Entry.of("a", "thought", array(1))
    with pytest.raises(ValueError, match="do not name the shape"):
        Entry.of("a", "hidden", array(1, 2))


def same(one: Recording, other: Recording) -> None:
    assert [entry.described() for entry in one.entries()] == [entry.described() for entry in other.entries()]
    assert one.info == other.info
    for mine, theirs in zip(one.entries(), other.entries(), strict=True):
        np.testing.assert_array_equal(mine.load(), theirs.load())


def test_saving_and_loading_is_the_identity(tmp_path: Path) -> None:
    found = recording()
    found.save(tmp_path / "a.genviz")
    same(found, genviz.load(tmp_path / "a.genviz"))
    same(found, Recording.from_bytes(found.to_bytes()))
    with pytest.raises(RecordingError, match="exists already"):
        found.save(tmp_path / "a.genviz")
    with pytest.raises(NotARecording, match="the path does not exist"):
        genviz.load(tmp_path / "b.genviz")


def test_an_empty_recording_is_saved_too(tmp_path: Path) -> None:
    empty = Recording(info={"missing": [{"site": "", "kind": "hidden", "reason": "nothing ran"}]})
    empty.save(tmp_path / "empty.genviz")
    same(empty, genviz.load(tmp_path / "empty.genviz"))


def test_it_shows_itself() -> None:
    text = repr(recording())
    assert "layers.0" in text
    assert "sample 1 × token 3 × channel 4" in text
    assert "not captured: layers.1 hidden: it did not run" in text
    html = Recording([Entry.of("<script>", "latent", array(1, 2))])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_ways_out(tmp_path: Path) -> None:
    found = recording()
    tree = found.to_xarray()
    assert isinstance(tree, xr.DataTree)
    np.testing.assert_array_equal(tree["layers/0"]["hidden"], found["layers.0", "hidden"])
    pytest.importorskip("pyarrow")
    from pyarrow import compute, parquet

    table = parquet.read_table(found.to_parquet(tmp_path / "a.parquet"))
    assert table.num_rows == 12 + 15 + 12
    values = table.filter(compute.field("site") == "encoder")["value"].to_numpy()
    np.testing.assert_allclose(values, array(2, 6).ravel(), rtol=1e-6)
