"""What encoders and decoders return, in the forms that people write: tensors, tuples, dicts, objects."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from genviz.capture.copies import first_tensor

# Names under which people keep each part; the first that holds a tensor is taken.
_MEAN = ("mean", "mu", "loc", "z_mean", "latent_mean", "means")
_LOG_VARIANCE = ("log_variance", "logvar", "log_var", "z_log_var", "logvars", "log_sigma2")
_VARIANCE = ("variance", "var", "sigma2")
_DEVIATION = ("std", "stddev", "scale", "sigma")
_LOG_DEVIATION = ("log_std", "log_sigma", "logstd")
_LATENT = ("latent", "latents", "z", "code", "codes", "latent_code", "embedding")
_PICTURE = (
    "reconstruction",
    "recon",
    "x_hat",
    "x_recon",
    "sample",
    "reconstructed",
    "image",
    "images",
    "output",
)
_SCORE = ("score", "scores", "logit", "logits", "validity", "output")


@dataclass(frozen=True)
class Code:
    """A latent code, with its posterior where the model has one.

    Parameters
    ----------
    latent : Tensor
        The code itself; for a posterior that was not sampled, its mean.
    mean, log_variance : Tensor or None
    """

    latent: Tensor
    mean: Tensor | None = None
    log_variance: Tensor | None = None


def read_code(output: Any) -> Code | None:
    """What an encoder returned, or None when there is no code in it.

    Understood are a tensor; ``(mean, log_variance)``, with the sampled code before or after them or not at
    all; dicts, named tuples and objects with the usual names; ``torch.distributions``; an object with
    ``latent_dist`` (diffusers).
    """
    if isinstance(output, Tensor):
        return Code(output)
    output = getattr(output, "latent_dist", output)
    mean = _field(output, _MEAN)
    if mean is not None:
        latent = _field(output, _LATENT)
        return Code(mean if latent is None else latent, mean, _log_variance(output))
    latent = _field(output, _LATENT)
    if latent is not None:
        return Code(latent)
    return _by_position(_tensors(output))


def read_posterior(output: Any, given: Tensor | None) -> Code | None:
    """Mean and log variance in what a whole autoencoder returned beside its reconstruction, or None."""
    mean, log_variance = _field(output, _MEAN), _log_variance(output)
    if mean is not None and log_variance is not None:
        return Code(mean, mean, log_variance)
    shape = None if given is None else given.shape
    rest = _tensors(output)
    # The reconstruction comes first by custom; when it does not, it is what has the input's shape.
    picture = next((at for at, tensor in enumerate(rest) if tensor.shape == shape), 0)
    rest = [tensor for at, tensor in enumerate(rest) if at != picture]
    found = _by_position(rest)
    return found if found is not None and found.mean is not None else None


def read_picture(output: Any) -> Tensor | None:
    """What a decoder or a generator made: a tensor, or the first or the usually named one of several."""
    if isinstance(output, Tensor):
        return output
    named = _field(output, _PICTURE)
    return first_tensor(_plain(output)) if named is None else named


def read_score(output: Any) -> Tensor | None:
    """One score per sample, shape (sample,), from what a discriminator returned; patches are averaged."""
    scores = output if isinstance(output, Tensor) else _field(output, _SCORE)
    if scores is None:
        scores = first_tensor(_plain(output))
    if scores is None:
        return None
    if scores.ndim == 0:
        return scores.reshape(1)
    return scores if scores.ndim == 1 else scores.flatten(1).float().mean(1)


def _by_position(tensors: list[Tensor]) -> Code | None:
    """Tell mean, log variance and code apart in a plain tuple: the first of equal shape and floating type."""
    floats = [tensor for tensor in tensors if tensor.is_floating_point() and tensor.ndim > 1]
    if not floats:
        return None
    alike = [tensor for tensor in floats if tensor.shape == floats[0].shape]
    if len(alike) == 1:
        return Code(floats[0])
    if len(alike) == 2:
        return Code(alike[0], alike[0], alike[1])
    first, second, third = alike[:3]
    # (code, mean, log variance) or (mean, log variance, code): a sampled code lies about one standard
    # deviation from its mean, so the likelier reading is the one whose residuals have variance one.
    if _oddity(first, second, third) < _oddity(third, first, second):
        return Code(first, second, third)
    return Code(third, first, second)


def _oddity(code: Tensor, mean: Tensor, log_variance: Tensor) -> float:
    if torch.equal(code, mean):
        return -1.0
    with torch.no_grad():
        variance = ((code - mean).float().square() / log_variance.float().clamp(-30, 30).exp()).mean()
        return float(variance.clamp(1e-30, 1e30).log().abs())


def _log_variance(output: Any) -> Tensor | None:
    found = _field(output, _LOG_VARIANCE)
    if found is not None:
        return found
    if (deviation := _field(output, _LOG_DEVIATION)) is not None:
        return 2 * deviation
    if (deviation := _field(output, _DEVIATION)) is not None:
        return 2 * deviation.log()
    variance = _field(output, _VARIANCE)
    return None if variance is None else variance.log()


def _field(output: Any, names: tuple[str, ...]) -> Tensor | None:
    for name in names:
        value = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(value, Tensor):
            return value
    return None


def _tensors(output: Any) -> list[Tensor]:
    plain = _plain(output)
    items = (
        plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list | tuple) else [plain]
    )
    found: list[Tensor] = []
    for item in items:
        found += (
            [item] if isinstance(item, Tensor) else _tensors(item) if isinstance(item, list | tuple) else []
        )
    return found


def _plain(output: Any) -> Any:
    """Dataclasses and other objects as dicts of their fields; all else as it is."""
    if isinstance(output, Mapping):
        return dict(output)
    if is_dataclass(output) and not isinstance(output, type):
        return {field.name: getattr(output, field.name) for field in fields(output)}
    if isinstance(output, Tensor | list | tuple) or not hasattr(output, "__dict__"):
        return output
    return dict(vars(output))
