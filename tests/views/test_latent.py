"""Views of latent space: codes, picks, colours, walks decoded in one batch."""

import numpy as np
import pytest

from genviz.errors import ControlError
from genviz.recording import Recording
from genviz.views import interpolation, latent_map, reconstructions
from genviz.views.latent import codes_of, colourings, first_colour, first_picks
from tests.views.subjects import autoencoder, live_autoencoder


def test_a_vaes_means_come_before_its_noisy_codes() -> None:
    recording = autoencoder()
    recording.replace_entries([entry for entry in recording.entries() if entry.kind != "mean"])
    assert codes_of(recording).kind == "latent"
    assert codes_of(autoencoder()).kind == "mean"


def test_spatial_codes_are_flattened_and_keep_their_shape() -> None:
    recording = Recording()
    recording.add(
        "encoder", "latent", np.zeros((5, 2, 3, 3), np.float32), axes=("sample", "channel", "row", "column")
    )
    codes = codes_of(recording)
    assert codes.values.shape == (5, 18)
    assert codes.item_shape == (2, 3, 3)


def test_labels_and_recorded_scalars_colour_the_map() -> None:
    recording = autoencoder()
    recording.add("critic", "score", np.arange(120, dtype=np.float32))
    known = colourings(recording, codes_of(recording))
    assert list(known) == ["digit", "slant", "score"]
    assert first_colour(known) == "digit"
    assert first_colour({"slant": known["slant"]}) == "slant"
    assert first_colour({}) == "none"


def test_generated_items_take_no_labels_of_the_data_and_no_scores_of_real_items() -> None:
    recording = Recording(info={"labels": {"digit": list(range(4))}})
    recording.add("generator", "latent", np.zeros((4, 2), np.float32), attrs={"source": "fake"})
    recording.add("", "sample", np.zeros((4, 1, 2, 2), np.float32), attrs={"source": "real"})
    for source, first in (("fake", 0), ("real", 10)):
        scores = np.arange(first, first + 4, dtype=np.float32)
        recording.add("discriminator", "score", scores, attrs={"source": source})
    known = colourings(recording, codes_of(recording))
    assert list(known) == ["score"]
    assert known["score"].values.tolist() == [0, 1, 2, 3]
    assert "digit" not in recording["generator", "latent"].coords
    assert "digit" in recording.array("", "sample", source="real").coords


def test_first_picks_are_typical_items_of_the_classes_farthest_apart() -> None:
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    codes = draw.normal(size=(60, 3)).astype(np.float32) * 0.1 + np.array([[0, 0, 0]])
    codes[labels == 1] += 1
    codes[labels == 2] += 9
    recording = Recording(info={"labels": {"class": labels.tolist()}})
    recording.add("encoder", "latent", codes)
    first, second = first_picks(codes, colourings(recording, codes_of(recording))["class"])
    assert (labels[first], labels[second]) == (0, 2)
    spread = first_picks(codes, None)
    assert {int(labels[n]) for n in spread} == {0, 2}
    assert first_picks(codes[:1], None) == ()


def test_the_map_is_the_projection_of_the_codes() -> None:
    recording = autoencoder()
    figure = latent_map(recording, colour="none", picks=())
    codes = recording["encoder", "mean"].values
    centred = codes - codes.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:2]
    expected = np.abs(centred @ directions.T)
    (trace,) = figure.data
    assert np.abs(trace.x) == pytest.approx(expected[:, 0], abs=1e-4)
    assert np.abs(trace.y) == pytest.approx(expected[:, 1], abs=1e-4)
    assert "% of the variance" in figure.layout.xaxis.title.text


def test_a_walk_is_decoded_in_one_batch_and_ends_at_its_items() -> None:
    subject = live_autoencoder()
    figure = interpolation(subject, picks=(3, 50), count=5)
    assert subject.live.calls == 1  # type: ignore[union-attr]
    assert len(figure.layout.images) == 10
    norms = np.linalg.norm(codes_of(subject.recorded()).values[[3, 50]], axis=1)
    for curve in (trace for trace in figure.data if trace.xaxis == "x2"):
        assert curve.y[[0, -1]] == pytest.approx(norms, rel=1e-5)
    assert figure.layout.title.text == "From item 3 (A) to item 50 (B)"


def test_a_walk_needs_two_items() -> None:
    with pytest.raises(
        ControlError, match="a way needs two items, not 1: pick them on the map, or picks=3,17"
    ):
        interpolation(live_autoencoder(), picks=(3,))


@pytest.mark.parametrize("order", ["worst", "best"])
def test_reconstructions_are_ordered_by_their_error(order: str) -> None:
    recording = autoencoder()
    made = recording["decoder", "reconstruction"].values
    errors = ((made.astype(np.float64) - recording["", "sample"].values) ** 2).mean(axis=(1, 2, 3))
    figure = reconstructions(recording, order=order, count=4)
    shown = next(trace for trace in figure.data if trace.mode == "markers").customdata.tolist()
    expected = np.argsort(errors, kind="stable")
    assert shown == (expected[::-1] if order == "worst" else expected)[:4].tolist()


def test_reconstructions_spread_over_the_data_first() -> None:
    figure = reconstructions(autoencoder(), count=4)
    shown = next(trace for trace in figure.data if trace.mode == "markers").customdata.tolist()
    assert shown == [0, 30, 60, 90]
