"""GANs recorded over a user's own training loop."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import genviz
from genviz.capture import LiveRecording
from genviz.errors import NotCaptured


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid())

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.net(z.flatten(1))
        return made.view(-1, 1, 8, 8)


class Discriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.net(x)
        return score.squeeze(1)


def train(
    generator: nn.Module, discriminator: nn.Module, recording: LiveRecording | None, steps: int = 3
) -> list[Tensor]:
    """The textbook loop; what the discriminator said of fakes and of real data, in order."""
    torch.manual_seed(1)
    said: list[Tensor] = []
    g_optimiser = torch.optim.Adam(generator.parameters(), lr=1e-2)
    d_optimiser = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
    for step in range(steps):
        real, z = torch.rand(5, 1, 8, 8), torch.randn(4, 3)
        fake = generator(z)
        d_optimiser.zero_grad()
        on_real, on_fake = discriminator(real), discriminator(fake.detach())
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        loss.backward()
        d_optimiser.step()
        g_optimiser.zero_grad()
        again = discriminator(fake)
        F.softplus(-again).mean().backward()
        g_optimiser.step()
        said += [on_real.detach(), on_fake.detach(), again.detach()]
        if recording is not None:
            recording.flush(step=step)
    return said


def test_the_textbook_loop() -> None:
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    twins = Generator(), Discriminator()
    twins[0].load_state_dict(generator.state_dict())
    twins[1].load_state_dict(discriminator.state_dict())
    expected = train(*twins, None)
    with genviz.record({"generator": generator, "discriminator": discriminator}) as recording:
        said = train(generator, discriminator, recording)
    assert all(torch.equal(a, b) for a, b in zip(said, expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(generator.parameters(), twins[0].parameters(), strict=True))
    assert recording.info["provenance"]["family"] == "gan"
    fakes = recording.entries("discriminator", "score", source="fake")
    reals = recording.entries("discriminator", "score", source="real")
    assert [entry.step for entry in fakes] == [0, 0, 1, 1, 2, 2]
    assert [entry.step for entry in reals] == [0, 1, 2]
    for step in range(3):
        on_real, on_fake, again = expected[3 * step : 3 * step + 3]
        np.testing.assert_array_equal(reals[step].load(), on_real)
        np.testing.assert_array_equal(fakes[2 * step].load(), on_fake)
        np.testing.assert_array_equal(fakes[2 * step + 1].load(), again)
        assert recording.array("", "sample", step=step, source="real").shape == (5, 1, 8, 8)
        assert recording.array("generator", "sample", step=step).shape == (4, 1, 8, 8)
        assert recording.array("generator", "latent", step=step).dims == ("sample", "latent")
    with pytest.raises(NotCaptured):
        recording.array("discriminator", "score", source="other")


def scored(inputs: str) -> dict[str, int]:
    """How many scores of each source come of one way to feed the discriminator."""
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    real = torch.rand(4, 1, 8, 8)
    with genviz.record({"generator": generator, "discriminator": discriminator}) as recording:
        fake = generator(torch.randn(4, 3, 1, 1))
        given = {
            "real": lambda: real,
            "fake": lambda: fake,
            "detached": lambda: fake.detach(),
            "data": lambda: fake.data,
            "reshaped": lambda: fake.detach().view(4, 64).view(4, 1, 8, 8),
            "changed with gradients": lambda: fake * 2 - 1,
            "real first": lambda: torch.cat([real, fake.detach()]),
            "fake first": lambda: torch.cat([fake.detach(), real]),
            "copied": lambda: fake.detach().clone(),
            "penalty": lambda: (0.5 * real + 0.5 * fake.detach()).requires_grad_(),
        }[inputs]()
        discriminator(given)
    return {
        source: sum(entry.shape[0] for entry in recording.entries("discriminator", "score", source=source))
        for source in ("real", "fake", "other")
    }


@pytest.mark.parametrize(
    ("inputs", "real", "fake", "other"),
    [
        ("real", 4, 0, 0),
        ("fake", 0, 4, 0),
        ("detached", 0, 4, 0),
        ("data", 0, 4, 0),
        ("reshaped", 0, 4, 0),
        ("changed with gradients", 0, 4, 0),
        ("real first", 4, 4, 0),
        ("fake first", 4, 4, 0),
        ("copied", 0, 4, 0),
        ("penalty", 0, 0, 4),
    ],
)
def test_fakes_are_told_from_real_data(inputs: str, real: int, fake: int, other: int) -> None:
    assert scored(inputs) == {"real": real, "fake": fake, "other": other}


def test_sampling_without_gradients() -> None:
    generator, discriminator = Generator(), Discriminator()
    with torch.no_grad(), genviz.record([generator, discriminator]) as recording:
        fake = generator(torch.randn(6, 3))
        score = discriminator(fake)
        discriminator(torch.rand(2, 1, 8, 8))
    np.testing.assert_array_equal(recording.array("discriminator", "score", source="fake"), score)
    np.testing.assert_array_equal(recording.array("generator", "sample", source="fake"), fake)
    assert recording.array("", "sample", source="real").shape == (2, 1, 8, 8)


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.netG, self.netD = Generator(), Discriminator()


def test_both_inside_one_module_under_other_names() -> None:
    model = Both()
    with torch.no_grad(), genviz.record(model) as recording:
        model.netD(model.netG(torch.randn(2, 3)))
    assert recording.sites() == ("netG", "netD")
    assert recording.array("netD", "score", source="fake").shape == (2,)


def test_a_generator_alone_says_what_is_missing() -> None:
    generator = Generator()
    with torch.no_grad(), genviz.record({"generator": generator}, family="gan") as recording:
        generator(torch.randn(2, 3))
    assert recording.array("generator", "sample").shape == (2, 1, 8, 8)
    reasons = {(item.site, item.kind): item.reason for item in recording.missing}
    assert "no part is called discriminator or disc" in reasons["discriminator", "score"]
