"""Autoencoders as users write them, recorded from outside."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import genviz

IMAGES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(x.flatten(1)))
        return made.view_as(x)


class Inside(nn.Module):
    """The encoder itself returns mean and log variance."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = TwoHeads(), nn.Linear(3, 64)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mean, log_variance = self.encoder(x)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return {"recon": self.decoder(z).view_as(x), "mu": mean, "logvar": log_variance, "z": z}


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.mean, self.log_variance = nn.Linear(64, 16), nn.Linear(16, 3), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(self.trunk(x.flatten(1)))
        return self.mean(hidden), self.log_variance(hidden)


class Beside(nn.Module):
    """The heads stand beside the encoder, which gives features only."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU())
        self.fc_mu, self.fc_var, self.decoder = nn.Linear(16, 3), nn.Linear(16, 3), nn.Linear(3, 64)

    def forward(self, x: Tensor) -> list[Tensor]:
        hidden = self.encoder(x)
        mean, log_variance = self.fc_mu(hidden), self.fc_var(hidden)
        self.z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return [self.decoder(self.z), x, mean, log_variance]


class Tutorial(nn.Module):
    """No encoder and no decoder module: layers and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(64, 16), nn.Linear(16, 3), nn.Linear(16, 3)
        self.fc3 = nn.Linear(3, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.fc1(x))
        return self.fc21(hidden), self.fc22(hidden)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.fc3(z))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encode(x.flatten(1))
        return self.decode(mean), mean, log_variance


def recorded(model: nn.Module) -> tuple[genviz.Recording, Any]:
    with torch.no_grad(), genviz.record(model) as recording:
        output = model(IMAGES)
    assert recording.info["provenance"]["family"] == "autoencoder"
    return recording, output


def test_a_plain_autoencoder() -> None:
    model = Plain().eval()
    recording, output = recorded(model)
    np.testing.assert_array_equal(recording["", "sample"], IMAGES)
    np.testing.assert_array_equal(recording["encoder", "latent"], model.encoder(IMAGES.flatten(1)).detach())
    np.testing.assert_array_equal(recording["decoder", "reconstruction"], output.flatten(1))
    assert recording["encoder", "latent"].dims == ("sample", "latent")
    assert {item.kind for item in recording.missing} <= {"mean", "log_variance"}


def test_an_encoder_that_gives_the_posterior() -> None:
    torch.manual_seed(0)
    recording, output = recorded(Inside())
    np.testing.assert_array_equal(recording["encoder", "mean"], output["mu"])
    np.testing.assert_array_equal(recording["encoder", "log_variance"], output["logvar"])
    np.testing.assert_array_equal(recording["encoder", "latent"], output["z"])  # the code that was drawn
    np.testing.assert_array_equal(recording["decoder", "reconstruction"], output["recon"].flatten(1))
    assert not recording.missing


def test_heads_beside_the_encoder() -> None:
    model = Beside()
    recording, output = recorded(model)
    np.testing.assert_array_equal(recording["encoder", "mean"], output[2])
    np.testing.assert_array_equal(recording["encoder", "log_variance"], output[3])
    np.testing.assert_array_equal(recording["encoder", "latent"], model.z)
    assert not recording.missing


def test_layers_and_methods_only() -> None:
    recording, output = recorded(Tutorial())
    np.testing.assert_array_equal(recording["encoder", "mean"], output[1])
    np.testing.assert_array_equal(recording["encoder", "log_variance"], output[2])
    np.testing.assert_array_equal(recording["decoder", "reconstruction"], output[0])
    np.testing.assert_array_equal(recording["", "sample"], IMAGES)
    reasons = {item.kind: item.reason for item in recording.missing}
    assert "neither encoder nor decoder is a module of its own" in reasons["latent"]
    with torch.no_grad(), genviz.record(model := Tutorial(), sites={"fc21": "latent"}) as recording:
        model(IMAGES)
    assert recording["fc21", "latent"].shape == (6, 3)


@pytest.mark.parametrize("model", [Plain(), Inside(), Beside()])
def test_several_calls_stay_apart(model: nn.Module) -> None:
    with torch.no_grad(), genviz.record(model) as recording:
        model(IMAGES)
        model(IMAGES[:2])
    for kind in ("latent", "reconstruction"):
        site = "encoder" if kind == "latent" else "decoder"
        assert [entry.shape[0] for entry in recording.entries(site, kind)] == [6, 2]
        assert [entry.call for entry in recording.entries(site, kind)] == [0, 1]


def test_only_the_encoder_is_called() -> None:
    model = Plain()
    with torch.no_grad(), genviz.record(model) as recording:
        code = model.encoder(IMAGES.flatten(1))
    np.testing.assert_array_equal(recording["encoder", "latent"], code)
    np.testing.assert_array_equal(recording["", "sample"], IMAGES.flatten(1))
    assert {item.kind for item in recording.missing} >= {"reconstruction"}


def test_two_networks_and_a_wrapper_around_the_model() -> None:
    model = Plain()
    with torch.no_grad(), genviz.record({"encoder": model.encoder, "decoder": model.decoder}) as recording:
        model.decoder(model.encoder(IMAGES.flatten(1)))
    assert recording["encoder", "latent"].shape == (6, 3)
    assert recording["decoder", "reconstruction"].shape == (6, 64)
    outer = nn.ModuleDict({"vae": Inside()})
    with torch.no_grad(), genviz.record(outer) as recording:
        outer["vae"](IMAGES)
    assert recording["vae.encoder", "mean"].shape == (6, 3)
    np.testing.assert_array_equal(recording["", "sample"], IMAGES)


def test_training_is_untouched() -> None:
    def train(watch: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model = Inside()
        optimiser = torch.optim.Adam(model.parameters())
        context = genviz.record(model) if watch else torch.enable_grad()
        with context:
            for _ in range(3):
                optimiser.zero_grad()
                out = model(IMAGES)
                (F.mse_loss(out["recon"], IMAGES) + out["mu"].square().mean()).backward()
                optimiser.step()
        return [*model.parameters(), torch.randn(3)]

    assert all(torch.equal(a, b) for a, b in zip(train(False), train(True), strict=True))


class Convolutional(nn.Module):
    """One attention layer in the middle of convolutions, as in the autoencoders of latent diffusion."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Middle(1, 16), Middle(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decoder(self.encoder(x))
        return out


class Middle(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.before, self.after = nn.Conv2d(inside, 16, 3, padding=1), nn.Conv2d(16, outside, 3, padding=1)
        self.attention, self.wide = (
            nn.MultiheadAttention(16, 2, batch_first=True),
            nn.Conv2d(16, 16, 5, padding=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.wide(self.before(x))
        flat = hidden.flatten(2).transpose(1, 2)
        mixed = self.attention(flat, flat, flat)[0].transpose(1, 2).view_as(hidden)
        out: Tensor = self.after(hidden + mixed)
        return out


def test_attention_inside_does_not_make_it_a_transformer_nor_an_encoder_a_transformer_an_autoencoder() -> (
    None
):
    model = Convolutional().eval()
    with torch.no_grad(), genviz.record(model) as recording:
        model(IMAGES)
    assert recording.info["provenance"]["family"] == "autoencoder"
    transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True).eval()
    with torch.no_grad(), genviz.record(transformer) as recording:
        transformer(torch.randn(1, 3, 16), torch.randn(1, 2, 16))
    assert recording.info["provenance"]["family"] == "transformer"
