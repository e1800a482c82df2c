"""Small subjects for the dashboard: recordings made here, and an engine that answers without a model."""

import time
from typing import Any

import numpy as np

from genviz.attention import MaskRule
from genviz.errors import LiveError
from genviz.recording import Recording
from genviz.views.subject import Subject

SENTENCE = "The cat sits on the mat ."
FACTS = {
    "n_params": 9_184,
    "n_layers": 2,
    "d_model": 16,
    "n_heads": 4,
    "d_head": 4,
    "context": 32,
    "bytes": 36_736,
}


def module(name: str, kind: str, parameters: int, *children: dict[str, Any]) -> dict[str, Any]:
    """One box of a network."""
    return {
        "name": name,
        "class": kind,
        "parameters": parameters,
        "bytes": 4 * parameters,
        "children": list(children),
        "shape": None,
    }


NETWORK = module(
    "",
    "Reader",
    9_184,
    module("embed", "Embedding", 800),
    *(
        module(
            f"layers.{n}", "Block", 4_192, module("attn", "Attention", 1_088), module("feed", "Linear", 3_104)
        )
        for n in range(2)
    ),
)


def attention_recording(text: str = SENTENCE, layers: int = 2, heads: int = 4) -> Recording:
    """Queries and keys of a small causal reader, drawn once from a seed."""
    tokens = text.split()
    made = Recording(
        info={
            "title": "Reader",
            "tokens": [tokens],
            "network": NETWORK,
            "facts": FACTS,
            "about": "A small causal reader.",
            "provenance": {"class": "Reader", "dtype": "float32"},
        }
    )
    rng = np.random.default_rng(len(tokens))
    rule = MaskRule(causal=True, scale=0.5).to_json()
    for number in range(layers):
        for kind in ("query", "key"):
            array = rng.standard_normal((1, heads, len(tokens), 4)).astype(np.float32) * 1.6
            attrs = {"rule": rule, "route": "sdpa"} if kind == "query" else {}
            made.add(f"layers.{number}.attn", kind, array, attrs=attrs)
    _add_stream(made, layers, len(tokens), rng)
    return made


def _add_stream(made: Recording, layers: int, tokens: int, rng: np.random.Generator) -> None:
    """A residual stream of 16 channels to which attention and a feed-forward network add."""
    stream = rng.standard_normal((1, tokens, 16)).astype(np.float32)
    made.add("layers.0", "block_input", stream)
    for number in range(layers):
        for part in ("attn", "feed"):
            added = rng.standard_normal(stream.shape).astype(np.float32)
            stream = stream + added
            made.add(f"layers.{number}.{part}", "contribution", added)
        made.add(f"layers.{number}", "hidden", stream)


def two_texts() -> Recording:
    """Attention of an encoder–decoder: each text within itself, and the second at the first."""
    words = {"tokens": ["le", "chat", "noir"], "target_tokens": ["<bos>", "the", "black", "cat"]}
    made = Recording(info={"title": "Interpreter", **{name: [each] for name, each in words.items()}})
    rng = np.random.default_rng(8)
    sides = {"encoder": ("tokens", "tokens"), "decoder": ("target_tokens", "target_tokens"),
             "crossing": ("target_tokens", "tokens")}  # fmt: skip
    for site, (queries, keys) in sides.items():
        rule = MaskRule(causal=site == "decoder", scale=0.5).to_json()
        attrs = {"rule": rule, "route": "sdpa", "tokens": {"query": queries, "key": keys}}
        for kind, side in (("query", queries), ("key", keys)):
            array = rng.standard_normal((1, 2, len(words[side]), 4)).astype(np.float32)
            made.add(site, kind, array, attrs=attrs)
    return made


def perceptron_recording(rows: int = 12) -> Recording:
    """Two Linear layers, worked out here for some rows."""
    rng = np.random.default_rng(3)
    given = rng.standard_normal((rows, 5)).astype(np.float32)
    made = Recording(
        info={
            "title": "Houses",
            "feature_names": ["size", "bedrooms", "age", "garden", "distance"],
            "target_name": "price",
            "network": module("", "Net", 36, module("0", "Linear", 30), module("2", "Linear", 6)),
            "facts": {"n_params": 36, "bytes": 144},
        }
    )
    made.add("", "input", given)
    made.add("", "target", (given[:, 0] * 2 - given[:, 2]).astype(np.float32))
    flow = given
    for site, units in (("0", 5), ("2", 1)):
        weight = rng.standard_normal((units, flow.shape[1])).astype(np.float32)
        bias = rng.standard_normal(units).astype(np.float32)
        total = flow @ weight.T + bias
        flow_out = np.maximum(total, 0) if site == "0" else total
        for kind, array in (
            ("input", flow),
            ("weight", weight),
            ("bias", bias),
            ("weighted_sum", total),
            ("activation", flow_out),
        ):
            made.add(site, kind, array)
        flow = flow_out
    return made


def blobs(codes: np.ndarray[Any, Any], side: int = 12) -> np.ndarray[Any, Any]:
    """Decode a code of two numbers: a soft dot whose place they are; shape (n, 1, side, side)."""
    row, column = np.mgrid[0:side, 0:side] / (side - 1) * 4 - 2
    y, x = codes[:, 0, None, None], codes[:, 1, None, None]
    return np.asarray(np.exp(-((row - y) ** 2 + (column - x) ** 2) * 1.5)[:, None], np.float32)


def latent_recording(count: int = 90) -> Recording:
    """Codes in three clouds, with the pictures they stand for."""
    rng = np.random.default_rng(5)
    kind = np.arange(count) % 3
    centres = np.array([[-1, -1], [1.1, 0], [-0.6, 1.2]])
    codes = (centres[kind] + rng.standard_normal((count, 2)) * 0.25).astype(np.float32)
    made = Recording(
        info={
            "title": "Dots",
            "labels": {"cloud": kind.tolist()},
            "image": {"range": [0, 1]},
            "network": module(
                "", "Dots", 20, module("encoder", "Linear", 10), module("decoder", "Linear", 10)
            ),
            "facts": {"n_params": 20, "bytes": 80},
        }
    )
    made.add("encoder", "latent", codes)
    made.add("", "sample", blobs(codes))
    made.add("decoder", "reconstruction", blobs(codes * 0.95))
    return made


def game_recording(count: int = 60, seed: int = 0) -> Recording:
    """Scores and pictures of real and generated dots."""
    rng = np.random.default_rng(seed)
    made = Recording(
        info={
            "title": "Game",
            "image": {"range": [0, 1]},
            "facts": {"n_params": 40, "bytes": 160},
            "network": module("", "Game", 40),
            "seed": seed,
        }
    )
    codes = rng.standard_normal((count, 2)).astype(np.float32)
    made.add("generator", "latent", codes, attrs={"source": "fake"})
    for source, site, shift in (("real", "", 0.9), ("fake", "generator", -0.4)):
        codes = rng.standard_normal((count, 2)).astype(np.float32)
        made.add(site, "sample", blobs(codes), attrs={"source": source})
        scores = (rng.standard_normal(count) + shift).astype(np.float32)
        made.add("discriminator", "score", scores, attrs={"source": source, "unit": "logit"})
    return made


class Engine:
    """Answers like an engine of a live model, from functions; what it was asked is kept in ``asked``."""

    def __init__(self, info: dict[str, Any], delay: float = 0.0, **abilities: Any) -> None:
        self._info, self._delay, self._does = info, delay, abilities
        self._started = False
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed = False

    @property
    def info(self) -> dict[str, Any]:
        """What the model says; the first time takes as long as a model takes to start."""
        if not self._started:
            time.sleep(self._delay)
            self._started = True
        return self._info

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of what it answers."""
        return tuple(self._does)

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Answer at once."""
        self.asked.append((ability, arguments))
        if ability not in self._does:
            raise LiveError(f"no ability {ability!r}")
        return self._does[ability](**arguments)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def reader() -> Engine:
    """A language model: reads a text."""

    def record(text: str = SENTENCE) -> Recording:
        if text == "refuse":
            raise LiveError("this model does not read <b>that</b>")
        return attention_recording(text)

    info = {**attention_recording().info, "defaults": {"text": [SENTENCE, "The robber went to the bank ."]}}
    del info["tokens"]
    return Engine(info, record=record, tokenize=lambda text: text.split())


def dots() -> Engine:
    """An autoencoder: decodes."""
    return Engine(
        latent_recording().info, record=latent_recording, decode=lambda codes: blobs(np.asarray(codes))
    )


def game() -> Engine:
    """A GAN: other samples for another seed."""
    return Engine(
        {**game_recording().info, "defaults": {"seed": 0}},
        record=lambda seed=0: game_recording(seed=seed),
        decode=lambda codes: blobs(np.asarray(codes)),
        score=lambda items: np.zeros(len(items), np.float32),
    )


def speaker() -> Subject:
    """A small decoder that really runs, for what is asked of a model beyond its recording."""
    from tests.views.subjects import tuned

    made = tuned()
    return Subject("Speaker: a decoder that runs", live=made.live, beside=made.beside)


def trained_ones() -> list[Subject]:
    """A decoder with checkpoints of its training, and an encoder that fills in hidden words."""
    from tests.views.subjects import masked, trained

    return [
        Subject("Student: along its training", live=trained().live),
        Subject("Guesser: hidden words", live=masked().live),
    ]


def subjects() -> list[Subject]:
    """One subject of each kind."""
    interpreter = Subject("Interpreter: two texts", recording=two_texts())
    return [*without_torch(), speaker(), interpreter, *trained_ones(), waves()]


def waves() -> Subject:
    """A series that is forecast."""
    from tests.views.subjects import series

    return Subject("Waves: a series", live=series().live)


def without_torch() -> list[Subject]:
    """Those whose answers are made up here: a process that serves them needs no torch."""
    return [
        Subject("Reader: a small language model", live=reader()),
        Subject("Dots: an autoencoder", live=dots()),
        Subject("Game: a GAN", live=game()),
        Subject("Houses: a perceptron", recording=perceptron_recording()),
    ]
