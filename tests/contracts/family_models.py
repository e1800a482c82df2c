"""Models of every family as users write them, and how each is run and trained."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genviz.capture.modules import Model
from tests.capture.models import HandWritten, hugging_face
from tests.capture.proofs import tensors


class Attention(nn.Module):
    """Self-attention through the fused function."""

    def __init__(self, width: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.n_head = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.n1, self.attn, self.n2 = nn.LayerNorm(width), Attention(width), nn.LayerNorm(width)
        self.ff = nn.Sequential(
            nn.Linear(width, 32), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(32, width)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.n1(x), mask)
        out: Tensor = x + self.ff(self.n2(x))
        return out


class Decoder(nn.Module):
    """A language model that returns probabilities when asked, its output layer tied to its table."""

    def __init__(self, probabilities: bool = False) -> None:
        super().__init__()
        self.n_head, self.probabilities = 4, probabilities
        self.tok, self.pos = nn.Embedding(40, 16), nn.Embedding(32, 16)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.head = nn.Linear(16, 40, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x, mask)
        scores: Tensor = self.head(x)
        return F.softmax(scores, -1) if self.probabilities else scores


class Encoder(nn.Module):
    """A classifier around ``nn.TransformerEncoder``; in evaluation it runs as one fused kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.tok = nn.Embedding(40, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.classes = nn.Linear(16, 3)

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.encoder(self.tok(ids), src_key_padding_mask=ids == 0)
        scores: Tensor = self.classes(hidden.mean(1))
        return scores


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(40, 16), nn.Embedding(30, 16)
        self.transformer = nn.Transformer(16, 4, 1, 1, 32, batch_first=True)
        self.generator = nn.Linear(16, 30)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1], device=target.device)
        made = self.transformer(self.source(source), self.target(target), tgt_mask=mask, tgt_is_causal=True)
        scores: Tensor = self.generator(made)
        return scores


class LongConvolutions(nn.Module):
    """A language model that mixes tokens by gated causal convolutions, without attention."""

    def __init__(self) -> None:
        super().__init__()
        self.tok = nn.Embedding(40, 16)
        self.layers = nn.ModuleList(ConvolutionBlock() for _ in range(2))
        self.head = nn.Linear(16, 40)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tok(ids)
        for layer in self.layers:
            x = layer(x)
        scores: Tensor = self.head(x)
        return scores


class ConvolutionBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n1, self.mix, self.n2 = nn.LayerNorm(16), GatedConvolution(), nn.LayerNorm(16)
        self.ff = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.mix(self.n1(x))
        out: Tensor = x + self.ff(self.n2(x))
        return out


class GatedConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside, self.out = nn.Linear(16, 32), nn.Linear(16, 16)
        self.conv = nn.Conv1d(16, 16, 4, padding=3, groups=16)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.inside(x).chunk(2, -1)
        seen = self.conv(value.mT)[..., : x.shape[1]].mT
        out: Tensor = self.out(seen * gate.sigmoid())
        return out


class ConvVAE(nn.Module):
    """Batch norm (buffers that move), dropout and a drawn code (random numbers)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(0.1)
        )
        self.fc_mu, self.fc_logvar = nn.Linear(64, 2), nn.Linear(64, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x)
        mean, log_variance = self.fc_mu(hidden), self.fc_logvar(hidden)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(code), mean, log_variance


class PlainAutoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 16), nn.ReLU(inplace=True), nn.Linear(16, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(inplace=True), nn.Linear(16, 64))

    def forward(self, *, x: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(x.flatten(1)))
        return made.view_as(x)


def gan() -> dict[str, nn.Module]:
    """A generator with batch norm, a discriminator whose weights move when they are read (spectral norm)."""
    generator = nn.Sequential(
        nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Linear(16, 64), nn.Tanh()
    )
    discriminator = nn.Sequential(
        spectral_norm(nn.Linear(64, 8)), nn.LeakyReLU(0.2, inplace=True), spectral_norm(nn.Linear(8, 1))
    )
    return {"generator": generator, "discriminator": discriminator}


class Recurrent(nn.Module):
    """No family's own: a convolution, a layer that returns nested tuples, a part that returns None."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.rnn, self.log = nn.Conv1d(1, 4, 3), nn.LSTM(4, 5, batch_first=True), Silent()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out, (last, _) = self.rnn(self.conv(x[:, None]).transpose(1, 2))
        self.log(out)
        return {"all": out, "last": last}


class Silent(nn.Module):
    """Returns None."""

    seen = 0.0

    def forward(self, x: Tensor) -> None:
        type(self).seen = float(x.detach().abs().max())


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 1))


@dataclass(frozen=True)
class Case:
    """One model: the family that must recognise it, how it is made and run."""

    family: str
    build: Callable[[], Model]
    run: Callable[[Any], Any]


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]])
PICTURES, ROWS, CODES = _random(4, 1, 8, 8), _random(6, 4), _random(4, 3)


def on(device: str) -> dict[str, Tensor]:
    """The inputs on a device."""
    named = {"ids": IDS, "pictures": PICTURES, "rows": ROWS, "codes": CODES}
    return {name: tensor.to(device) for name, tensor in named.items()}


def _here(model: Any) -> dict[str, Tensor]:
    return on(str(next(p.device for m in modules(model) for p in m.parameters())))


def _adversaries(networks: Mapping[str, nn.Module]) -> list[Tensor]:
    at = _here(networks)
    fake = networks["generator"](at["codes"])
    judge = networks["discriminator"]
    return [judge(at["pictures"].flatten(1)), judge(fake.detach()), judge(fake)]


CASES: dict[str, Case] = {
    "decoder": Case("transformer", Decoder, lambda m: m(_here(m)["ids"])),
    "encoder": Case("transformer", Encoder, lambda m: m(_here(m)["ids"])),
    "long convolutions": Case("mixer", LongConvolutions, lambda m: m(_here(m)["ids"])),
    "translator": Case("transformer", Translator, lambda m: m(_here(m)["ids"], _here(m)["ids"][:, :4])),
    "by hand": Case("transformer", HandWritten, lambda m: m(_here(m)["ids"])),
    "gpt2": Case("transformer", lambda: hugging_face("gpt2"), lambda m: m(_here(m)["ids"])),
    "bert": Case("transformer", lambda: hugging_face("bert"), lambda m: m(_here(m)["ids"])),
    "t5": Case(
        "transformer", lambda: hugging_face("t5"),
        lambda m: m(input_ids=_here(m)["ids"], decoder_input_ids=_here(m)["ids"][:, :3]),
    ),
    "vae": Case("autoencoder", ConvVAE, lambda m: m(_here(m)["pictures"])),
    "autoencoder": Case("autoencoder", PlainAutoencoder, lambda m: m(x=_here(m)["pictures"])),
    "gan": Case("gan", gan, _adversaries),
    "perceptron": Case("perceptron", mlp, lambda m: m(_here(m)["rows"])),
    "recurrent": Case("plain", Recurrent, lambda m: m(_here(m)["rows"])),
}  # fmt: skip


def modules(model: Any) -> list[nn.Module]:
    """The root modules of a model."""
    return list(model.values()) if isinstance(model, Mapping) else [model]


@lru_cache
def _made(name: str) -> Model:
    torch.manual_seed(0)
    return CASES[name].build()


def made(name: str, *, training: bool = False) -> Any:
    """A fresh copy of one case's model."""
    import copy

    model = copy.deepcopy(_made(name))
    for module in modules(model):
        module.train(training)
    return model


def train(model: Any, run: Callable[[Any], Any], *, steps: int = 2) -> Iterator[Tensor]:
    """A user's training loop, step by step; a GAN's alternates two optimisers."""
    roots = modules(model)
    optimisers = [torch.optim.Adam(module.parameters(), lr=1e-2) for module in roots]
    for _ in range(steps):
        for optimiser in reversed(optimisers):
            for each in optimisers:
                each.zero_grad()
            floats = [t for t in tensors(run(model)) if t.requires_grad]
            loss = torch.stack([t.float().square().mean() for t in floats]).sum()
            loss.backward()
            optimiser.step()
        yield loss.detach()


Guard = Callable[[], AbstractContextManager[Any]]
