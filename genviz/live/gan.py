"""A live generator with its discriminator."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from genviz.capture.families.outputs import read_picture, read_score
from genviz.capture.families.score_units import score_unit
from genviz.errors import LiveError
from genviz.live.base import (
    LiveModel,
    Shown,
    as_data,
    as_labels,
    batches,
    image_range,
    refuse_unknown,
    sample_axes,
    spread,
    tensor_for,
    to_array,
)  # fmt: skip
from genviz.live.weights import Checkpoints
from genviz.recording import Recording

Floats = NDArray[np.float32]
_SHOWN = 256


class GAN(LiveModel):
    """A generator and a discriminator, with real data beside them.

    Parameters
    ----------
    generator : nn.Module
        Called with latent codes of shape (sample, latent), or (sample, latent, 1, 1) where it begins with a
        convolution.
    discriminator : nn.Module, optional
        Gives one score per sample; patches are averaged.
    data : array, optional
        Real items, as the discriminator takes them.
    labels : mapping of str to array, optional
    latent_size : int, optional
        Numbers in a code; found from the generator's first layer when not given.
    score_unit : {"logit", "probability", "unknown"}, optional
        Told by the discriminator's last operation when not given: only a sigmoid gives probabilities; what
        ends in a linear layer or a convolution is called a logit.
    checkpoints : sequence of dict, optional
        ``{"step": n, "generator": weights, "discriminator": weights}`` from along the training; weights are
        paths of safetensors files or state dicts.
    **shown
        ``title``, ``about``.

    Examples
    --------
    >>> live = GAN(nn.Linear(2, 4), nn.Linear(4, 1), data=np.zeros((8, 4)))
    >>> live.decode(np.zeros((3, 2))).shape, live.score(np.zeros((5, 4))).shape
    ((3, 4), (5,))
    """

    family = "gan"
    offers = ("record", "record_step", "decode", "score")
    batch_size = 256

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module | None = None, *, data: Any = None,
        labels: Mapping[str, Any] | None = None, latent_size: int | None = None,
        score_unit: str | None = None, checkpoints: Sequence[Mapping[str, Any]] = (), **shown: Unpack[Shown],
    ) -> None:  # fmt: skip
        refuse_unknown("GAN", shown, Shown)
        modules = {"generator": generator, "discriminator": discriminator}
        present = {name: module for name, module in modules.items() if module is not None}
        super().__init__(present, **shown)
        self.data = None if data is None else as_data(data, "data")
        self.labels = as_labels(labels, 0 if self.data is None else len(self.data))
        self.latent_shape = _latent_shape(generator, latent_size)
        self.checkpoints = Checkpoints(checkpoints, present)
        self._unit = score_unit

    @property
    def abilities(self) -> tuple[str, ...]:
        """``score`` needs a discriminator, ``record_step`` checkpoints."""
        lacking = {"score"} if "discriminator" not in self.modules else set()
        lacking |= set() if self.checkpoints.steps else {"record_step"}
        return tuple(name for name in self.offers if name not in lacking)

    @property
    def score_unit(self) -> str:
        """What the discriminator's scores are: ``"logit"``, ``"probability"`` or ``"unknown"``."""
        if self._unit is None:
            items = self.data[:2] if self.data is not None else self.decode(self.codes(2, 0))
            self._unit = self._measured_unit(items)
        return self._unit

    def codes(self, count: int, seed: int = 0) -> Floats:
        """Codes drawn from a standard normal distribution, shape (sample, latent)."""
        size = int(np.prod(self.latent_shape))
        return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)

    def decode(self, codes: Any) -> Floats:
        """What the generator makes of codes of shape (sample, latent)."""
        codes = as_data(codes, "codes")
        size = int(np.prod(self.latent_shape))
        if int(np.prod(codes.shape[1:])) != size:
            raise LiveError(
                f"codes of shape {codes.shape} do not fit: this generator takes codes of {size} numbers"
            )
        return self._generated(self.modules["generator"], codes)

    def score(self, items: Any) -> NDArray[np.float32]:
        """One score per item, in the unit that ``info["score_unit"]`` names; real is high."""
        if "discriminator" not in self.modules:
            raise LiveError(
                "this GAN has no discriminator to score with: pass discriminator= when you make it"
            )
        return self._scored(self.modules["discriminator"], as_data(items, "items"))

    def record(self, count: int = _SHOWN, seed: int = 0) -> Recording:
        """Codes, the samples made of them, as many real items, and the scores of both."""
        return self._recorded(self.modules, count, seed, None)

    def record_step(self, step: int, count: int = _SHOWN, seed: int = 0) -> Recording:
        """Do as ``record`` does, with the weights of an earlier training step (the nearest checkpoint)."""
        found, modules = self.checkpoints.at(step)
        return self._recorded(modules, count, seed, found)

    def defaults(self) -> dict[str, Any]:
        """How many samples a first sight takes, the code's length, and the steps that can be looked at."""
        size, steps = int(np.prod(self.latent_shape)), self.checkpoints.steps
        return {"count": _SHOWN, "seed": 0, "latent_size": size, "steps": steps, "labels": list(self.labels)}

    def describe(self) -> dict[str, Any]:
        """Tell what this is; with ``score_unit``."""
        unit = {"score_unit": self.score_unit} if "discriminator" in self.modules else {}
        return {**super().describe(), **unit}

    def _recorded(
        self, modules: Mapping[str, nn.Module], count: int, seed: int, step: int | None
    ) -> Recording:
        codes = self.codes(count, seed)
        fakes = self._generated(modules["generator"], codes)
        recording = Recording(info={**self.describe(), "latent_shape": list(self.latent_shape), "seed": seed})
        recording.info["image"] = image_range(fakes if self.data is None else self.data)
        recording.info["network"] = self.network_of(lambda: self._one_of_each(codes, fakes))
        recording.add("generator", "latent", codes, step=step, attrs={"source": "fake"})
        axes = sample_axes(fakes.ndim)
        recording.add("generator", "sample", fakes, axes=axes, step=step, attrs={"source": "fake"})
        if "discriminator" in modules:
            self._add_score(recording, modules["discriminator"], fakes, "fake", step)
        if self.data is not None:
            chosen = spread(count, len(self.data), count)
            real = self.data[chosen]
            attrs = {"source": "real"}
            recording.add("", "sample", real, axes=sample_axes(real.ndim), step=step, attrs=attrs)
            recording.info["labels"] = {name: [of[at] for at in chosen] for name, of in self.labels.items()}
            if "discriminator" in modules:
                self._add_score(recording, modules["discriminator"], real, "real", step)
        return recording

    def _one_of_each(self, codes: Floats, fakes: Floats) -> None:
        self._generated(self.modules["generator"], codes[:1])
        if "discriminator" in self.modules:
            self._scored(self.modules["discriminator"], fakes[:1])

    def _add_score(
        self, recording: Recording, module: nn.Module, items: Floats, source: str, step: int | None
    ) -> None:
        attrs = {"source": source, "unit": self.score_unit}
        recording.add("discriminator", "score", self._scored(module, items), step=step, attrs=attrs)

    def _generated(self, module: nn.Module, codes: Floats) -> Floats:
        shaped = codes.reshape(-1, *self.latent_shape)
        made = []
        with self.running(module):
            for part in batches(len(shaped), self.batch_size, "generating"):
                picture = read_picture(module(tensor_for(module, shaped[part])))
                if picture is None:
                    raise LiveError("the generator returned no tensor: let it return its samples")
                made.append(to_array(picture))
        return np.concatenate(made)

    def _scored(self, module: nn.Module, items: Floats) -> NDArray[np.float32]:
        scores = []
        with self.running(module):
            for part in batches(len(items), self.batch_size, "scoring"):
                score = read_score(module(tensor_for(module, items[part])))
                if score is None or len(score) != len(items[part]):
                    raise LiveError(
                        "the discriminator gave "
                        f"{'no tensor' if score is None else f'{len(score)} scores'} for "
                        f"{len(items[part])} items: let it return one score, or a map of scores, per item"
                    )
                scores.append(to_array(score))
        return np.concatenate(scores)

    def _measured_unit(self, items: Floats) -> str:
        module = self.modules["discriminator"]
        with self.running(module), torch.enable_grad():
            given = tensor_for(module, items).requires_grad_()
            scores = read_score(module(given))
        return "unknown" if scores is None else score_unit(scores)


def _latent_shape(generator: nn.Module, size: int | None) -> tuple[int, ...]:
    """Shape of one code: from the generator's first layer that has weights."""
    first = next((module for module in generator.modules() if _takes_codes(module)), None)
    convolution = isinstance(first, nn.modules.conv._ConvNd)
    if size is None:
        found = getattr(first, "in_channels" if convolution else "in_features", None)
        if found is None:
            raise LiveError(
                f"cannot tell how long a code of {type(generator).__name__} is: pass latent_size="
            )
        size = int(found)
    if isinstance(first, nn.modules.conv._ConvNd) and first.in_channels == size:
        return (size, *[1] * len(first.kernel_size))
    return (size,)


def _takes_codes(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
