"""Live models around modules as users write them."""

from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from genviz.errors import LiveError, UnsafeFile
from genviz.live import GAN, Autoencoder, Perceptron, wrap

IMAGES = np.random.default_rng(0).random((10, 1, 8, 8)).astype(np.float32)


class PlainAutoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Linear(16, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(x))
        return made


class TutorialVAE(nn.Module):
    """The VAE of a hundred tutorials: five linear layers and methods, flat pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(64, 20), nn.Linear(20, 4), nn.Linear(20, 4)
        self.fc3, self.fc4 = nn.Linear(4, 20), nn.Linear(20, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.relu(self.fc1(x.view(-1, 64)))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


class Moments:
    def __init__(self, mean: Tensor, logvar: Tensor) -> None:
        self.mean, self.logvar = mean, logvar


class DiffusersLike(nn.Module):
    """Codes of shape (channel, row, column) behind ``latent_dist``; ``decode(...).sample``."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(1, 8, 4, stride=4)
        self.decoder = nn.ConvTranspose2d(4, 1, 4, stride=4)

    def encode(self, x: Tensor) -> Any:
        mean, logvar = self.encoder(x).chunk(2, 1)
        return SimpleNamespace(latent_dist=Moments(mean, logvar))

    def decode(self, z: Tensor) -> Any:
        return SimpleNamespace(sample=self.decoder(z))


Posterior = namedtuple("Posterior", ["mu", "logvar"])


@dataclass
class Coded:
    z: Tensor
    mu: Tensor
    log_var: Tensor


def flags(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


def test_an_autoencoder_records_what_the_contract_says() -> None:
    model = PlainAutoencoder()
    live = Autoencoder(model, data=IMAGES, labels={"digit": np.arange(10)}, title="Mine")
    recording = live.record()
    assert recording.sites() == ("", "encoder", "decoder")
    assert recording["", "sample"].dims == ("sample", "channel", "row", "column")
    assert recording["encoder", "latent"].shape == (10, 3)
    assert recording["decoder", "reconstruction"].shape == (10, 1, 8, 8)
    assert recording.labels("digit").tolist() == list(range(10))
    assert recording.info["title"] == "Mine"
    assert recording.info["family"] == "autoencoder"
    assert recording.info["image"]["range"] == [0, 1]
    assert recording.info["facts"]["n_params"] == sum(p.numel() for p in model.parameters())
    model.eval()
    with torch.no_grad():
        np.testing.assert_allclose(
            recording["decoder", "reconstruction"].values, model(torch.from_numpy(IMAGES)).numpy(), atol=1e-6
        )


def test_nothing_of_the_model_changes() -> None:
    model = PlainAutoencoder()
    model.decoder.eval()
    before, state, rng = (
        flags(model),
        {k: v.clone() for k, v in model.state_dict().items()},
        torch.get_rng_state(),
    )
    live = Autoencoder(model, data=IMAGES, batch_size=3)
    live.record()
    live.decode(live.encode(IMAGES))
    assert flags(model) == before
    assert torch.equal(rng, torch.get_rng_state())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert not any(p.grad is not None for p in model.parameters())
    with pytest.raises(RuntimeError):
        live.encode(np.zeros((2, 5)))
    assert flags(model) == before


def test_a_tutorial_vae_gives_its_posterior() -> None:
    model = TutorialVAE()
    live = Autoencoder(model, data=IMAGES)
    recording = live.record()
    mean, log_variance = model.encode(torch.from_numpy(IMAGES))
    np.testing.assert_allclose(recording["encoder", "mean"], mean.detach(), atol=1e-6)
    np.testing.assert_allclose(recording["encoder", "log_variance"], log_variance.detach(), atol=1e-6)
    np.testing.assert_array_equal(recording["encoder", "latent"], recording["encoder", "mean"])
    assert (
        recording["decoder", "reconstruction"].shape == IMAGES.shape
    )  # the decoder's rows of 64, as pictures


def test_codes_with_axes_are_handed_out_flat() -> None:
    model = DiffusersLike()
    live = Autoencoder(model, data=IMAGES)
    codes = live.encode(IMAGES)
    assert codes.shape == (10, 16)
    np.testing.assert_allclose(
        codes, model.encode(torch.from_numpy(IMAGES)).latent_dist.mean.detach().flatten(1)
    )
    fresh = Autoencoder(model, data=IMAGES)  # one that decodes before it has encoded anything
    assert fresh.decode(codes).shape == IMAGES.shape
    assert live.record().info["latent_shape"] == [4, 2, 2]
    with pytest.raises(
        LiveError, match=r"codes of shape \(2, 5\) do not fit: this decoder takes codes of 16 numbers"
    ):
        live.decode(np.zeros((2, 5)))


class Beside(nn.Module):
    """Its encoder gives features only; the layers that make the code of them stand beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
        self.to_mean, self.to_spread, self.decoder = nn.Linear(16, 3), nn.Linear(16, 3), nn.Linear(3, 64)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.encoder(x)
        mean, log_variance = self.to_mean(hidden), self.to_spread(hidden)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return {"recon": self.decoder(z), "mu": mean, "logvar": log_variance}


def test_a_code_that_is_made_between_encoder_and_decoder() -> None:
    model = Beside()
    live = Autoencoder(model, data=IMAGES, batch_size=4)
    with torch.no_grad():
        expected = model(torch.from_numpy(IMAGES))
        decoded = model.decoder(expected["mu"])
    np.testing.assert_allclose(live.encode(IMAGES), expected["mu"], atol=1e-6)
    recording = live.record()
    np.testing.assert_allclose(recording["encoder", "log_variance"], expected["logvar"], atol=1e-6)
    made = recording["decoder", "reconstruction"].values
    np.testing.assert_allclose(made.reshape(10, 64), decoded, atol=1e-6)
    with pytest.raises(LiveError, match="the code of Lost cannot be found: its decoder does not take what"):
        Autoencoder(Lost()).encode(IMAGES)


class Lost(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(8, 5), nn.Linear(3, 64)

    def forward(self, x: Tensor) -> Tensor:
        return x


def encoders() -> dict[str, Any]:
    flat, mean, spread = nn.Flatten(), nn.Linear(64, 3), nn.Linear(64, 3)

    def halves(x: Tensor) -> tuple[Tensor, Tensor]:
        return mean(flat(x)), spread(flat(x))

    def sampled(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        m, v = halves(x)
        return m, v, m + torch.randn_like(m) * torch.exp(v / 2)

    return {
        "tuple": halves,
        "mean, log variance, code": sampled,
        "code, mean, log variance": lambda x: tuple(sampled(x)[at] for at in (2, 0, 1)),
        "dict": lambda x: dict(zip(("mu", "logvar"), halves(x), strict=True)),
        "deviation": lambda x: {"mean": halves(x)[0], "std": torch.exp(halves(x)[1] / 2)},
        "named tuple": lambda x: Posterior(*halves(x)),
        "dataclass": lambda x: Coded(torch.zeros(len(x), 3), *halves(x)),
        "distribution": lambda x: torch.distributions.Normal(halves(x)[0], torch.exp(halves(x)[1] / 2)),
        "reference": halves,
    }


@pytest.mark.parametrize("form", sorted(encoders()))
def test_every_usual_form_of_a_posterior_is_read(form: str) -> None:
    torch.manual_seed(0)
    known = encoders()
    items = np.random.default_rng(1).random((400, 1, 8, 8)).astype(np.float32)
    live = Autoencoder(encoder=known[form], decoder=nn.Linear(3, 64), data=items)
    recording = live.record()
    mean, log_variance = known["reference"](torch.from_numpy(items))
    np.testing.assert_allclose(recording["encoder", "mean"], mean.detach(), atol=1e-5)
    np.testing.assert_allclose(recording["encoder", "log_variance"], log_variance.detach(), atol=1e-4)
    np.testing.assert_array_equal(live.encode(items), recording["encoder", "mean"])


def test_autoencoders_that_cannot_be_used_say_why() -> None:
    with pytest.raises(
        LiveError, match=r"Sequential has neither 'encode' nor 'encoder': it has 0. Say which with encoder="
    ):
        Autoencoder(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(LiveError, match="an autoencoder needs a model, or encoder=: pass either"):
        Autoencoder()
    with pytest.raises(
        LiveError, match=r"labels\['y'\] has shape \(3,\) for 10 items: give one value per item"
    ):
        Autoencoder(PlainAutoencoder(), data=IMAGES, labels={"y": [1, 2, 3]})
    with pytest.raises(LiveError, match="data is not an array of numbers"):
        Autoencoder(PlainAutoencoder(), data=[[1, 2], [3]])
    live = Autoencoder(PlainAutoencoder())
    assert live.abilities == ("encode", "decode")
    with pytest.raises(LiveError, match="this autoencoder has no data to record: pass data="):
        live.record()
    with pytest.raises(LiveError, match="the encoder returned a str, in which there is no code"):
        Autoencoder(encoder=lambda x: "code", decoder=nn.Linear(3, 64)).encode(IMAGES)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0, 1, [0, 1]), (-1, 1, [-1, 1]), (0, 255, [0, 255]), (-0.9, 0.7, [-1, 1]), (-4, 9, [-4, 9])],
)
def test_the_range_of_pictures_is_measured(low: float, high: float, told: list[float]) -> None:
    data = np.full((3, 1, 8, 8), low, np.float32)
    data[0] = high
    info = Autoencoder(PlainAutoencoder(), data=data).record().info
    assert info["image"]["range"] == pytest.approx(told)
    assert info["image"]["measured"] == pytest.approx([low, high])


def test_count_spreads_over_the_data() -> None:
    data = np.arange(100, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 8, 8), np.float32)
    recording = Autoencoder(PlainAutoencoder(), data=data, labels={"n": np.arange(100)}).record(count=5)
    assert recording.labels("n").tolist() == [0, 25, 50, 74, 99]
    assert recording["", "sample"].values[:, 0, 0, 0].tolist() == [0, 25, 50, 74, 99]


# -- GAN -----------------------------------------------------------------------------------------


class DCGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(6, 4, 4),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.main(z)
        return made


class Judge(nn.Module):
    def __init__(self, last: str) -> None:
        super().__init__()
        self.layer, self.patches, self.last = nn.Linear(64, 1), nn.Conv2d(1, 1, 4, 2), last

    def forward(self, x: Tensor) -> Any:
        logit: Tensor = self.layer(x.flatten(1))
        return {
            "logit": logit,
            "squeezed": logit.squeeze(1),
            "probability": torch.sigmoid(logit),
            "tuple": (logit, x),
            "dict": {"validity": torch.sigmoid(logit), "features": x},
            "patches": self.patches(x),
            "tanh": torch.tanh(logit).view(-1),
        }[self.last]


@pytest.mark.parametrize(
    ("last", "unit"),
    [("logit", "logit"), ("squeezed", "logit"), ("probability", "probability"), ("tuple", "logit"),
     ("dict", "probability"), ("patches", "logit"), ("tanh", "unknown")],
)  # fmt: skip
def test_scores_are_one_per_item_and_their_unit_is_told(last: str, unit: str) -> None:
    judge = Judge(last)
    live = GAN(DCGenerator(), judge, data=IMAGES)
    scores = live.score(IMAGES)
    assert scores.shape == (10,)
    assert live.describe()["score_unit"] == unit
    if last == "patches":
        with torch.no_grad():
            np.testing.assert_allclose(scores, judge(torch.from_numpy(IMAGES)).mean((1, 2, 3)), atol=1e-6)
    assert GAN(DCGenerator(), judge, data=IMAGES, score_unit="unknown").describe()["score_unit"] == "unknown"


def test_a_gan_records_what_the_contract_says() -> None:
    generator = DCGenerator()
    live = GAN(generator, Judge("logit"), data=IMAGES, labels={"who": list("abcdefghij")})
    before = flags(generator)
    recording = live.record(count=6, seed=3)
    assert flags(generator) == before
    assert recording["generator", "latent"].shape == (6, 6)
    assert recording.array("generator", "sample", source="fake").shape == (6, 1, 8, 8)
    assert recording.array("", "sample", source="real").shape == (6, 1, 8, 8)
    assert recording.array("discriminator", "score", source="real").shape == (6,)
    assert recording.info["score_unit"] == "logit"
    fakes = recording.array("generator", "sample", source="fake").values
    np.testing.assert_allclose(live.decode(recording["generator", "latent"].values), fakes, atol=1e-6)
    np.testing.assert_allclose(
        live.score(fakes), recording.array("discriminator", "score", source="fake"), atol=1e-6
    )
    again = live.record(count=6, seed=3)
    np.testing.assert_array_equal(again.array("generator", "sample"), fakes)
    assert not np.array_equal(live.record(count=6, seed=4).array("generator", "sample"), fakes)


def test_earlier_training_steps_are_looked_at_in_copies(tmp_path: Path) -> None:
    early, late = (nn.Linear(2, 64), nn.Linear(64, 1)), (nn.Linear(2, 64), nn.Linear(64, 1))
    paths = {"generator": tmp_path / "g.safetensors", "discriminator": tmp_path / "d.safetensors"}
    save_file(early[0].state_dict(), paths["generator"])
    save_file(early[1].state_dict(), paths["discriminator"])
    live = GAN(*late, data=IMAGES.reshape(10, 64), checkpoints=[{"step": 5, **paths}])
    assert live.describe()["defaults"]["steps"] == [5]
    now, then = live.record(4), live.record_step(step=7, count=4)
    assert then.entry("generator", "sample").step == 5
    codes = torch.from_numpy(then.array("generator", "latent").values)
    with torch.no_grad():
        np.testing.assert_allclose(then.array("generator", "sample"), early[0](codes), atol=1e-6)
        np.testing.assert_allclose(now.array("generator", "sample"), late[0](codes), atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "kind", "text"),
    [
        (
            "weights.pt",
            UnsafeFile,
            "is a pickle, which can run code when it is opened, so genviz does not open it",
        ),
        ("missing.safetensors", LiveError, "checkpoint 1 of the generator is not there: no file"),
        ("text.safetensors", LiveError, "text.safetensors is not a safetensors file"),
        ("other.safetensors", LiveError, "checkpoint 1 of the generator does not fit Linear"),
    ],
)
def test_checkpoints_that_cannot_be_used(
    tmp_path: Path, weights: str, kind: type[Exception], text: str
) -> None:
    (tmp_path / "text.safetensors").write_text("hello hello hello")
    save_file({"w": torch.ones(1)}, tmp_path / "other.safetensors")
    live = GAN(nn.Linear(2, 4), checkpoints=[{"step": 1, "generator": str(tmp_path / weights)}])
    with pytest.raises(kind) as caught:
        live.record_step(step=1)
    assert text in str(caught.value)


def test_gans_that_cannot_be_used_say_why() -> None:
    live = GAN(nn.Linear(2, 4))
    assert live.abilities == ("record", "decode")
    with pytest.raises(LiveError, match="this GAN has no discriminator to score with"):
        live.score(np.zeros((1, 4)))
    with pytest.raises(
        LiveError, match=r"codes of shape \(3, 5\) do not fit: this generator takes codes of 2 numbers"
    ):
        live.decode(np.zeros((3, 5)))
    with pytest.raises(LiveError, match=r"cannot tell how long a code of Tanh is: pass latent_size="):
        GAN(nn.Tanh())
    with pytest.raises(LiveError, match=r"GAN: 'generator' is a int, not a torch\.nn\.Module"):
        GAN(3)  # type: ignore[arg-type]
    with pytest.raises(LiveError, match="gave 1 scores for 10 items: let it return one score"):
        GAN(nn.Linear(2, 64), Total()).score(IMAGES)
    with pytest.raises(LiveError, match="this live model has no checkpoints"):
        live.record_step(step=1)


class Total(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum()


# -- perceptron ----------------------------------------------------------------------------------


class House(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.dropout = nn.Linear(3, 5), nn.Linear(5, 1), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        price: Tensor = self.second(self.dropout(torch.relu(self.first(x))))
        return price.squeeze(-1)


ROWS = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def test_a_perceptron_records_every_layer() -> None:
    model = House()
    live = Perceptron(
        model, data=ROWS, target=ROWS.sum(1), feature_names=["size", "bedrooms", "age"], target_name="price"
    )
    recording = live.record(count=20)
    with torch.no_grad():
        summed = model.first(torch.from_numpy(ROWS))
        np.testing.assert_allclose(recording["first", "weighted_sum"], summed, atol=1e-6)
        np.testing.assert_allclose(recording["first", "activation"], summed.relu(), atol=1e-6)
    np.testing.assert_array_equal(recording["first", "weight"], model.first.weight.detach())
    np.testing.assert_array_equal(recording["second", "bias"], model.second.bias.detach())
    np.testing.assert_array_equal(recording["", "input"], ROWS)
    np.testing.assert_array_equal(recording["", "target"], ROWS.sum(1))
    assert recording.info["feature_names"] == ["size", "bedrooms", "age"]
    assert recording.info["target_name"] == "price"
    assert not recording.missing
    np.testing.assert_allclose(live.predict(ROWS), recording["second", "activation"].values[:, 0], atol=1e-6)
    assert model.training


def test_a_perceptron_as_it_was_before_and_along_its_training(tmp_path: Path) -> None:
    model, before = nn.Sequential(nn.Linear(3, 1)), nn.Sequential(nn.Linear(3, 1))
    save_file(
        {f"at7.{name}": value for name, value in before.state_dict().items()}, tmp_path / "w.safetensors"
    )
    steps = [{"step": 7, "weights": tmp_path / "w.safetensors", "prefix": "at7."}]
    live = Perceptron(
        model, data=ROWS, initial=before, checkpoints=steps, target_mean=3.0, truth="price = size"
    )
    assert live.abilities == ("record", "record_initial", "record_step", "predict")
    assert live.describe()["target_mean"] == [3.0]
    assert live.describe()["truth"] == "price = size"
    np.testing.assert_array_equal(live.record_initial()["0", "weight"], before.state_dict()["0.weight"])
    then = live.record_step(step=7)
    assert then.entry("0", "weight").step == 7
    np.testing.assert_array_equal(then["0", "weight"], before.state_dict()["0.weight"])
    np.testing.assert_array_equal(live.record()["0", "weight"], model.state_dict()["0.weight"])


def test_perceptrons_that_cannot_be_used_say_why() -> None:
    with pytest.raises(LiveError, match="2 feature names for 3 features: give one per feature"):
        Perceptron(House(), data=ROWS, feature_names=["a", "b"])
    with pytest.raises(LiveError, match="target has 3 values for 20 rows of data: give one per row"):
        Perceptron(House(), data=ROWS, target=[1, 2, 3])
    with pytest.raises(LiveError, match=r"rows have shape \(20, 3, 1\): give \(sample, feature\)"):
        Perceptron(House(), data=ROWS[:, :, None])
    with pytest.raises(
        LiveError, match="Perceptron has no argument 'colour': beside its own it takes about, feature_mean"
    ):
        Perceptron(House(), colour="red")  # type: ignore[call-arg]
    with pytest.raises(LiveError, match="GAN has no argument 'dta': beside its own it takes about, title"):
        GAN(nn.Linear(2, 4), dta=ROWS)  # type: ignore[call-arg]
    with pytest.raises(LiveError, match="the weights at the start are not known: pass initial="):
        Perceptron(House(), data=ROWS).record_initial()
    assert Perceptron(House()).abilities == ("predict",)


# -- wrap ----------------------------------------------------------------------------------------


def test_wrap_tells_what_things_are() -> None:
    assert isinstance(wrap(PlainAutoencoder()), Autoencoder)
    assert isinstance(wrap(TutorialVAE()), Autoencoder)
    assert isinstance(wrap(House()), Perceptron)
    assert isinstance(wrap({"model": PlainAutoencoder(), "data": IMAGES}), Autoencoder)
    assert isinstance(wrap({"generator": nn.Linear(2, 4), "discriminator": nn.Linear(4, 1)}), GAN)
    assert isinstance(wrap({"model": nn.Conv2d(1, 1, 3), "family": "perceptron"}), Perceptron)
    live = wrap(House())
    assert wrap(live) is live


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (3, "cannot make a live model of a int: give a torch.nn.Module"),
        (nn.Conv2d(1, 1, 3), "cannot tell what Conv2d is: it has no parts. Say family="),
        ({"data": IMAGES}, "a live model needs a 'model': the dict has 'data'"),
        (
            {"model": House(), "family": "diffusion"},
            "no family 'diffusion': the families are transformer, autoencoder",
        ),
        (
            {"model": PlainAutoencoder(), "images": 1},
            "Autoencoder has no argument 'images': it takes model, encoder",
        ),
        (
            {"model": House(), "data": ROWS, "target": ROWS[:, 0], "colour": 1},
            "Perceptron has no argument 'colour'",
        ),
        ({"generator": nn.Linear(2, 4), "noise": 2}, "GAN has no argument 'noise'"),
    ],
)
def test_wrap_says_what_is_wrong(thing: Any, text: str) -> None:
    with pytest.raises(LiveError) as caught:
        wrap(thing)
    assert text in str(caught.value)
