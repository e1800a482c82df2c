"""Every sample model: opens as a user's model does, is seen inside without its help, and ships whole."""

import importlib
from pathlib import Path

import pytest
import torch

import genviz
import sample_models
from genviz.live import wrap
from genviz.recording import Recording
from sample_models import SAMPLES, Sample

HOME = Path(sample_models.__file__).parent
FIRST_SIGHT = {
    "gpt": {"attention", "hidden", "top_logits", "embedding", "position", "neuron", "contribution"},
    "translator": {"attention", "hidden", "top_logits", "embedding", "position", "neuron", "contribution"},
    "masked": {"attention", "hidden", "top_logits", "embedding", "position", "neuron", "contribution"},
    "digits_autoencoder": {"latent", "reconstruction", "sample"},
    "digits_vae": {"latent", "mean", "log_variance", "reconstruction", "sample"},
    "faces_vae": {"latent", "mean", "log_variance", "reconstruction", "sample"},
    "faces_gan": {"latent", "sample", "score"},
    "housing_perceptron": {"input", "weight", "bias", "weighted_sum", "activation", "target"},
}

each = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def parts(sample: Sample) -> dict[str, object]:
    made: dict[str, object] = importlib.import_module(f"sample_models.{sample.name}").parts()
    return made


def modules(sample: Sample) -> dict[str, torch.nn.Module]:
    return {name: part for name, part in parts(sample).items() if isinstance(part, torch.nn.Module)}


@each
def test_it_ships_whole(sample: Sample) -> None:
    folder = HOME / sample.name
    for name in ("__init__.py", "model.py", "train.py", "metrics.py", "card.md"):
        assert (folder / name).is_file(), f"{sample.name} lacks {name}"
    assert list(folder.glob("**/*.safetensors")), "weights are shipped, not trained at start"
    assert not [path for path in folder.rglob("*") if path.suffix in {".pt", ".pth", ".bin", ".pkl", ".npy"}]


def test_all_samples_together_are_small() -> None:
    size = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert size <= 33e6


@each
def test_its_models_are_trained_and_ready(sample: Sample) -> None:
    found = modules(sample)
    assert found
    for module in found.values():
        assert not module.training
        for name, parameter in module.named_parameters():
            assert parameter.dtype == torch.float32, name
            assert torch.isfinite(parameter).all(), name


@each
def test_it_opens_and_a_first_sight_shows_everything(sample: Sample) -> None:
    live = wrap(parts(sample))
    recording = live.record()
    assert isinstance(recording, Recording)
    assert FIRST_SIGHT[sample.name] <= set(recording.kinds())
    assert not recording.missing
    described = live.describe()
    assert described["title"]
    assert described["about"]
    assert described["family"]


@each
def test_the_parameter_count_is_the_models_own(sample: Sample) -> None:
    counted = {
        id(parameter): parameter.numel()
        for name, module in modules(sample).items()
        if name != "initial"
        for parameter in module.parameters()
    }
    assert wrap(parts(sample)).describe()["facts"]["n_params"] == sum(counted.values())


@each
def test_a_recording_of_it_survives_the_disk(sample: Sample, tmp_path: Path) -> None:
    recording = wrap(parts(sample)).record()
    again = genviz.load(recording.save(tmp_path / "run.genviz"))
    assert again.kinds() == recording.kinds()
    for entry, kept in zip(recording.entries(), again.entries(), strict=True):
        assert entry.load().tobytes() == kept.load().tobytes()
