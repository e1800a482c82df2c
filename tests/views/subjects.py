"""Small recordings of every family, built as the architecture says, for the tests of figures and views."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.attention import MaskRule
from genviz.recording import Recording
from genviz.views import Subject

SENTENCE = "The robber went to the bank and the cat sits on the mat .".split()  # noqa: SIM905


def module(name: str, kind: str, parameters: int, *children: Any, shape: Any = None) -> dict[str, Any]:
    total = parameters + sum(child["parameters"] for child in children)
    return {
        "name": name,
        "class": kind,
        "parameters": total,
        "bytes": 4 * total,
        "children": list(children),
        "shape": shape,
    }


def _block(name: str, width: int) -> dict[str, Any]:
    attention = module(
        "attn",
        "Attention",
        0,
        module("qkv", "Linear", 3 * width * width, shape=[1, 14, 3 * width]),
        module("proj", "Linear", width * width, shape=[1, 14, width]),
        shape=[1, 14, width],
    )
    feed = module(
        "mlp",
        "Sequential",
        0,
        module("0", "Linear", 4 * width * width, shape=[1, 14, 4 * width]),
        module("1", "GELU", 0, shape=[1, 14, 4 * width]),
        module("2", "Linear", 4 * width * width, shape=[1, 14, width]),
        shape=[1, 14, width],
    )
    return module(
        name,
        "Block",
        0,
        module("ln1", "LayerNorm", 2 * width),
        attention,
        module("ln2", "LayerNorm", 2 * width),
        feed,
        shape=[1, 14, width],
    )


def _parts(layers: int, width: int) -> list[dict[str, Any]]:
    """Every tensor of the network above, by part."""
    shapes = {
        "embedding": {"embed.weight": (1, [128, width])},
        "attention": {"qkv": (layers, [3 * width, width]), "proj": (layers, [width, width])},
        "feed-forward": {"0": (layers, [4 * width, width]), "2": (layers, [width, 4 * width])},
        "norm": {f"ln{n}.{name}": (layers, [width]) for n in (1, 2) for name in ("weight", "bias")},
        "head": {"head.weight": (1, [128, width])},
    }
    return [
        {"part": part, "name": name, "shape": shape, "times": times, "bytes": 4 * prod(shape), "shared": None}
        for part, tensors in shapes.items()
        for name, (times, shape) in tensors.items()
    ]


def transformer(
    *, layers: int = 4, heads: int = 4, tokens: int = 14, width: int = 8, causal: bool = True, calls: int = 1
) -> Recording:
    """A decoder whose heads look at random places; with ``calls`` > 1 as in ``generate`` with a cache."""
    draw = np.random.default_rng(0)
    words = (SENTENCE * (1 + tokens // len(SENTENCE)))[:tokens]
    tree = module(
        "",
        "GPT",
        0,
        module("embed", "Embedding", 4096, shape=[1, tokens, 32]),
        module("layers", "ModuleList", 0, *(_block(str(n), 32) for n in range(layers))),
        module("head", "Linear", 4096, shape=[1, tokens, 128]),
        shape=[1, tokens, 128],
    )
    info = {
        "title": "test <decoder>",
        "tokens": [words],
        "network": tree,
        "provenance": {"model": "GPT"},
        "facts": {
            "n_params": tree["parameters"],
            "n_layers": layers,
            "d_model": heads * width,
            "n_heads": heads,
            "d_head": width,
            "context": None,
            "vocab": 128,
            "bytes": 4 * tree["parameters"],
        },
        "parts": _parts(layers, 32),
        "missing": [{"site": "head", "kind": "logits", "reason": "only the five largest were asked for"}],
    }
    recording = Recording(info=info)
    for layer in range(layers):
        vectors = draw.normal(size=(2, 1, heads, tokens, width)).astype(np.float32)
        vectors[0] += 1.2 * np.roll(vectors[1], layer, axis=2)  # so that a layer looks `layer` tokens back
        _add_calls(recording, f"layers.{layer}.attn", vectors * 1.3, causal, calls)
        recording.add(f"layers.{layer}", "hidden", draw.normal(size=(1, tokens, 32)).astype(np.float32))
    return recording


def _add_calls(recording: Recording, site: str, vectors: NDArray[Any], causal: bool, calls: int) -> None:
    queries, keys = vectors
    tokens = queries.shape[2]
    ends = [tokens - calls + 1 + n for n in range(calls)]
    for call, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        rule = MaskRule(causal=causal, offset=start, scale=queries.shape[3] ** -0.5)
        attrs = {"rule": rule.to_json(), "route": "sdpa", "start": {"query": start}}
        recording.add(site, "query", queries[:, :, start:end], call=call, attrs=attrs)
        recording.add(site, "key", keys[:, :, start:end], call=call, attrs={"key_start": start})


def eager() -> Recording:
    """Finished weights of an encoder, one of them NaN; tokens that look like markup."""
    draw = np.random.default_rng(1)
    scores = draw.normal(size=(2, 3, 6, 6)).astype(np.float32) * 2
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    weights[0, 0, 2, 3] = np.nan
    words = ["<b>bold</b>", " a", "\n", "%{x}", "$x$", "&amp;"]
    recording = Recording(info={"tokens": [words, list("uvwxyz")]})
    recording.add("encoder.0", "attention", weights.astype(np.float32))
    return recording


def autoencoder(count: int = 120) -> Recording:
    """A VAE of 8 × 8 pictures in three classes."""
    draw = np.random.default_rng(2)
    labels = np.arange(count) % 3
    codes = draw.normal(size=(count, 6)).astype(np.float32) + 3 * np.eye(6, dtype=np.float32)[labels]
    pictures = np.clip(draw.random((count, 1, 8, 8)) * 0.3 + codes[:, :1, None, None] * 0.15, 0, 1)
    info = {
        "title": "test VAE",
        "labels": {"digit": labels.tolist(), "slant": codes[:, 1].tolist()},
        "image": {"range": [0, 1]},
    }
    recording = Recording(info=info)
    recording.add("encoder", "latent", codes)
    recording.add("encoder", "mean", codes)
    recording.add("encoder", "log_variance", np.full_like(codes, -2))
    recording.add("", "sample", pictures.astype(np.float32))
    recording.add("decoder", "reconstruction", np.clip(pictures + 0.05, 0, 1).astype(np.float32))
    return recording


def gan(count: int = 64, steps: tuple[int | None, ...] = (None,)) -> Recording:
    """A discriminator that is mostly right, at one or several training steps."""
    draw = np.random.default_rng(3)
    recording = Recording(info={"title": "test GAN", "image": {"range": [0, 1]}})
    real = draw.random((count, 3, 8, 8)).astype(np.float32)
    recording.add("", "sample", real, attrs={"source": "real"})
    for step in steps:
        fake = draw.random((count, 3, 8, 8)).astype(np.float32) * 0.6
        codes = draw.normal(size=(count, 5)).astype(np.float32)
        recording.add("generator", "latent", codes, step=step, attrs={"source": "fake"})
        recording.add("generator", "sample", fake, step=step, attrs={"source": "fake"})
        for source, centre in (("real", 1.5), ("fake", -1.0)):
            scores = draw.normal(centre, 1.2, count).astype(np.float32)
            recording.add("discriminator", "score", scores, step=step, attrs={"source": source})
    return recording


def perceptron(sizes: tuple[int, ...] = (5, 8, 6, 1), count: int = 20) -> Recording:
    """A ReLU network for house prices, run in float64 and stored in float32."""
    draw = np.random.default_rng(4)
    names = ["size", "bedrooms", "age", "distance", "garden <m²>"][: sizes[0]]
    recording = Recording(info={"title": "test perceptron", "feature_names": names, "target_name": "price"})
    values = draw.normal(size=(count, sizes[0]))
    recording.add("", "input", values.astype(np.float32))
    recording.add("", "target", draw.normal(size=(count, 1)).astype(np.float32), axes=("sample", "unit"))
    for at, (before, after) in enumerate(pairwise(sizes)):
        site, last = f"layers.{2 * at}", at == len(sizes) - 2
        weight, bias = draw.normal(size=(after, before)) / before**0.5, draw.normal(size=after) * 0.3
        total = values @ weight.T + bias
        output = total if last else np.maximum(total, 0)
        for kind, array in (
            ("input", values),
            ("weight", weight),
            ("bias", bias),
            ("weighted_sum", total),
            ("activation", output),
        ):
            recording.add(site, kind, array.astype(np.float32))
        values = output
    return recording


class Engine:
    """An engine whose decoder draws a code's first numbers as a picture; counts its calls."""

    def __init__(self, recording: Recording) -> None:
        self.info, self.abilities, self.calls = recording.info, ("record", "decode"), 0
        self._recording = recording

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        self.calls += 1
        if ability == "record":
            return self._recording
        codes = np.asarray(arguments["codes"], np.float32)
        picture = np.tanh(codes[:, :1, None, None] * np.linspace(0, 1, 64).reshape(1, 1, 8, 8))
        return np.clip(0.5 + 0.5 * picture, 0, 1).astype(np.float32)


def live_autoencoder() -> Subject:
    recording = autoencoder()
    return Subject("live VAE", recording=recording, live=Engine(recording))


def language() -> Subject:
    """A small decoder that runs: random weights, words of the course's sentences."""
    import torch

    from genviz.live import InlineEngine, LanguageModel
    from sample_models.gpt.model import GPT
    from sample_models.microworld import COURSE, WordTokenizer, split

    torch.manual_seed(5)
    tokenizer = WordTokenizer.of(word for text in COURSE for word in split(text))
    model = GPT(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, context=32)
    live = InlineEngine(LanguageModel(model, tokenizer, text=COURSE))
    return Subject("live <GPT>", live=live, recording=live.call("record"))


def trained() -> Subject:
    """A small decoder with checkpoints along a training, which is made up, and the loss that was logged."""
    import torch

    from genviz.live import InlineEngine, LanguageModel
    from sample_models.gpt.model import GPT
    from sample_models.microworld import COURSE, WordTokenizer, split

    torch.manual_seed(7)
    tokenizer = WordTokenizer.of(word for text in COURSE for word in split(text))
    model = GPT(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, context=32)
    checkpoints = [
        {"step": step, "weights": {name: share * value.clone() for name, value in model.state_dict().items()}}
        for step, share in ((0, 0.1), (50, 0.5), (900, 1.0))
    ]
    live = LanguageModel(
        model, tokenizer, text=COURSE, title="trained <GPT>",
        checkpoints=checkpoints,
        history={"train": {"steps": [0, 450, 900], "loss": [3.2, 2.0, 1.5]}},
    )  # fmt: skip
    engine = InlineEngine(live)
    return Subject("trained <GPT>", live=engine, recording=engine.call("record"))


def training_run() -> Subject:
    """The same training as a recording, without a model."""
    subject = trained()
    assert subject.live is not None
    return Subject("recorded <training>", recording=subject.live.call("training"))


def masked() -> Subject:
    """A small encoder that fills in hidden words, with random weights."""
    import torch

    from genviz.live import InlineEngine, LanguageModel
    from sample_models.masked.model import MaskedEncoder, MaskingTokenizer
    from sample_models.microworld import COURSE, split

    torch.manual_seed(8)
    tokenizer = MaskingTokenizer.of(word for text in COURSE for word in split(text))
    model = MaskedEncoder(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, context=32)
    live = InlineEngine(LanguageModel(model, tokenizer, text=COURSE))
    return Subject("masked <words>", live=live, recording=live.call("record"))


def tuned() -> Subject:
    """A small decoder, and beside it one whose weights differ, with prompts that it should answer."""
    import torch

    from genviz.live import InlineEngine, LanguageModel
    from sample_models.gpt.model import GPT
    from sample_models.microworld import COURSE, WordTokenizer, split

    base = language()
    torch.manual_seed(9)
    tokenizer = WordTokenizer.of(word for text in COURSE for word in split(text))
    model = GPT(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, context=32)
    asked = [("the cat", "sits on mat"), ("the <robber>", "went to bank")]
    live = InlineEngine(LanguageModel(model, tokenizer, text=COURSE, exercises=asked))
    beside = Subject("tuned <GPT>", live=live, recording=live.call("record"))
    return Subject("base <GPT>", live=base.live, recording=base.recording, beside={beside.name: beside})


def mixture() -> Subject:
    """A small decoder that runs, its feed-forward networks mixtures of experts; words are numbers."""
    import torch
    import transformers

    from genviz.live import InlineEngine, LanguageModel

    torch.manual_seed(7)
    config = transformers.MixtralConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=8, intermediate_size=32, num_local_experts=4, num_experts_per_tok=2,
    )  # fmt: skip
    live = InlineEngine(
        LanguageModel(transformers.MixtralForCausalLM(config).eval(), text=["5 9 3 17 11", "4 17 8"])
    )
    return Subject("mixture", live=live, recording=live.call("record"))


def two_sided() -> Subject:
    """A recording of a small encoder–decoder with random weights."""
    import torch

    from genviz.live import LanguageModel
    from sample_models.translator.model import Translator, tokenizers

    torch.manual_seed(6)
    source, target = tokenizers()
    model = Translator(source.vocab_size, target.vocab_size, d_model=16, n_heads=2, n_layers=1).eval()
    live = LanguageModel(model, source, target_tokenizer=target)
    return Subject("recorded <translator>", recording=live.record("le chat noir", "the black cat"))


def patches() -> Subject:
    """Finished weights over a class token and 3 × 3 patches, and their picture."""
    draw = np.random.default_rng(7)
    scores = np.exp(draw.normal(size=(1, 2, 10, 10)))
    recording = Recording()
    recording.add("layers.0", "attention", (scores / scores.sum(-1, keepdims=True)).astype(np.float32))
    pictures = draw.random((1, 3, 12, 12)).astype(np.float32)
    recording.add("", "sample", pictures, attrs={"grid": [3, 3]})
    return Subject("patches", recording=recording)


def series() -> Subject:
    """A wave with some noise, and its autoregression."""
    from genviz.live import Forecaster, InlineEngine

    wave = np.sin(np.arange(70) / 4) * 3 + np.random.default_rng(0).normal(size=70) * 0.2
    live = InlineEngine(Forecaster(wave, times=range(1900, 1970), name="height <m>", title="waves"))
    return Subject("live <waves>", live=live, recording=live.call("record"))


#: One subject per family and shape of recording, by name.
SUBJECTS: dict[str, Any] = {
    "transformer": lambda: Subject("decoder", recording=transformer()),
    "long transformer": lambda: Subject("long decoder", recording=transformer(layers=2, heads=2, tokens=600)),
    "generate": lambda: Subject("generate", recording=transformer(calls=5)),
    "eager": lambda: Subject("eager", recording=eager()),
    "language": language,
    "trained": trained,
    "training run": training_run,
    "masked": masked,
    "tuned": tuned,
    "mixture": mixture,
    "two-sided": two_sided,
    "patches": patches,
    "autoencoder": lambda: Subject("VAE", recording=autoencoder()),
    "live autoencoder": live_autoencoder,
    "gan": lambda: Subject("GAN", recording=gan()),
    "gan over steps": lambda: Subject("GAN over steps", recording=gan(steps=(0, 100))),
    "series": series,
    "perceptron": lambda: Subject("perceptron", recording=perceptron()),
    "wide perceptron": lambda: Subject(
        "wide perceptron", recording=perceptron((5, 80, 80, 80, 80, 80, 80, 80, 80, 2))
    ),
    "empty": lambda: Subject("empty", recording=Recording()),
}
