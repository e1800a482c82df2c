"""A live autoencoder or variational autoencoder."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genviz.capture import record
from genviz.capture.families.outputs import Code, read_code, read_picture
from genviz.errors import LiveError
from genviz.live.base import (
    LiveModel,
    as_data,
    as_labels,
    batches,
    image_range,
    sample_axes,
    spread,
    tensor_for,
    to_array,
)  # fmt: skip
from genviz.recording import Recording

Floats = NDArray[np.float32]
_MOST = 2000
_POSTERIOR = ("mean", "log_variance")


class Autoencoder(LiveModel):
    """An encoder and a decoder, with data to look at.

    Parameters
    ----------
    model : nn.Module, optional
        Has ``encode`` or ``encoder``, and ``decode`` or ``decoder``.
    encoder, decoder : callable, optional
        Say which when the model does not use these names, or instead of a model. The encoder gives a code,
        ``(mean, log_variance)``, or one of the other forms that :func:`read_code` names.
    data : array, optional
        Items along axis 0, as the encoder takes them.
    labels : mapping of str to array, optional
        One known value per item.
    title, about : str
    batch_size : int

    Examples
    --------
    >>> live = Autoencoder(encoder=nn.Linear(4, 2), decoder=nn.Linear(2, 4), data=np.zeros((3, 4)))
    >>> live.encode(np.ones((5, 4))).shape
    (5, 2)
    >>> live.record()["decoder", "reconstruction"].shape
    (3, 4)
    """

    family = "autoencoder"
    offers = ("record", "encode", "decode")

    def __init__(
        self, model: nn.Module | None = None, *, encoder: Any = None, decoder: Any = None, data: Any = None,
        labels: Mapping[str, Any] | None = None, title: str = "", about: str = "", batch_size: int = 256,
    ) -> None:  # fmt: skip
        self._encode = encoder if encoder is not None else _part(model, ("encode", "encoder"))
        self._decode = decoder if decoder is not None else _part(model, ("decode", "decoder"))
        parts = {"encoder": encoder, "decoder": decoder}
        modules = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
        super().__init__({"": model} if model is not None else modules, title=title, about=about)
        self.data = None if data is None else as_data(data, "data")
        self.labels = as_labels(labels, 0 if self.data is None else len(self.data))
        self.batch_size = batch_size
        self.latent_shape: tuple[int, ...] | None = None
        # An `encode` that was written or passed gives the code; a part called encoder perhaps only
        # features, of which others make the code.
        self._trusted = encoder is not None or not isinstance(self._encode, nn.Module)
        self._composes: bool | None = True if self._trusted else None

    @property
    def abilities(self) -> tuple[str, ...]:
        """``record`` needs data."""
        return self.offers if self.data is not None else self.offers[1:]

    def encode(self, items: Any) -> Floats:
        """Codes of some items, shape (sample, latent); of a VAE, the means."""
        items = as_data(items, "items")
        codes = []
        with self.running():
            for part in batches(len(items), self.batch_size, "encoding"):
                code = self._code(items[part])
                codes.append(self._flat(code.latent if code.mean is None else code.mean))
        return np.concatenate(codes)

    def decode(self, codes: Any) -> Floats:
        """What the decoder makes of codes of shape (sample, latent)."""
        codes = as_data(codes, "codes")
        shape = self._latent_shape(codes)
        made = []
        with self.running():
            for part in batches(len(codes), self.batch_size, "decoding"):
                made.append(self._made(codes[part].reshape(-1, *shape)))
        return np.concatenate(made)

    def record(self, count: int | None = None) -> Recording:
        """Codes and reconstructions of the data.

        Parameters
        ----------
        count : int, optional
            How many items, evenly spread over the data; default: all, at most 2,000.
        """
        if self.data is None:
            raise LiveError("this autoencoder has no data to record: pass data= when you make it")
        chosen = spread(count, len(self.data), _MOST)
        items = self.data[chosen]
        arrays = self._run(items)
        labels = {name: [values[at] for at in chosen] for name, values in self.labels.items()}
        info = {**self.describe(), "labels": labels, "image": image_range(self.data)}
        recording = Recording(info={**info, "latent_shape": list(self.latent_shape or ())})
        recording.info["network"] = self.network_of(lambda: self._run(items[:1]))
        recording.add("", "sample", items, axes=sample_axes(items.ndim))
        for kind in ("latent", "mean", "log_variance"):
            if arrays[kind]:
                recording.add("encoder", kind, np.concatenate(arrays[kind]))
        made = np.concatenate(arrays["reconstruction"])
        recording.add("decoder", "reconstruction", made, axes=sample_axes(made.ndim))
        return recording

    def defaults(self) -> dict[str, Any]:
        """How many items there are, and which labels."""
        return {"count": 0 if self.data is None else min(len(self.data), _MOST), "labels": list(self.labels)}

    def _run(self, items: Floats) -> dict[str, list[Floats]]:
        arrays: dict[str, list[Floats]] = {
            kind: [] for kind in ("latent", "mean", "log_variance", "reconstruction")
        }
        with self.running():
            for part in batches(len(items), self.batch_size, "encoding and decoding"):
                code = self._code(items[part])
                latent = code.latent if code.mean is None else code.mean
                arrays["latent"].append(self._flat(latent))
                for kind in _POSTERIOR:
                    values = getattr(code, kind)
                    if values is not None:
                        arrays[kind].append(to_array(values.flatten(1)))
                arrays["reconstruction"].append(self._made(latent))
        return arrays

    def _code(self, items: Floats) -> Code:
        if self._composes is None:
            self._composes = self._fits(items[:1])
        if not self._composes:
            return self._code_by_forward(items)
        output = self._encode(self._input(items, self._encode))
        code = read_code(output)
        if code is None:
            raise LiveError(
                f"the encoder returned {_kind_of(output)}, in which there is no code: let it return a "
                "tensor, or "
                "(mean, log_variance), or pass encoder= a function that does"
            )
        return code

    def _fits(self, items: Floats) -> bool:
        """Whether the decoder makes an item of what the encoder returns, with nothing in between."""
        try:
            code = read_code(self._encode(self._input(items, self._encode)))
            made = None if code is None else read_picture(self._decode(code.latent))
        except RuntimeError:
            return False
        return made is not None and made.numel() == items.size

    def _code_by_forward(self, items: Floats) -> Code:
        """The code as the decoder receives it when the whole model runs: other layers make it of features."""
        model = self.modules[""]
        with record(model, family=self.family, kinds=("latent", *_POSTERIOR)) as seen:
            model(self._input(items, self._encode))
        found = {entry.kind: torch.from_numpy(entry.load()) for entry in seen.entries()}
        latent = found.get("mean", found.get("latent"))
        if latent is None:
            raise LiveError(
                f"the code of {type(model).__name__} cannot be found: its decoder does not take what its "
                "encoder "
                "returns. Pass encoder= a function that gives the code, or (mean, log_variance)"
            )
        return Code(latent, found.get("mean"), found.get("log_variance"))

    def _made(self, codes: Any) -> Floats:
        output = self._decode(self._input(codes, self._decode))
        picture = read_picture(output)
        if picture is None:
            raise LiveError(f"the decoder returned {_kind_of(output)}, in which there is no tensor")
        made = to_array(picture)
        wanted = None if self.data is None else self.data.shape[1:]
        same = wanted is not None and made[0].size == int(np.prod(wanted))
        return made.reshape(-1, *wanted) if same and wanted is not None else made

    def _input(self, values: Any, part: Callable[..., Any]) -> Tensor:
        owner = part if isinstance(part, nn.Module) else next(iter(self.modules.values()), None)
        return (
            tensor_for(owner, values) if owner is not None else torch.as_tensor(values, dtype=torch.float32)
        )

    def _flat(self, code: Tensor) -> Floats:
        self.latent_shape = tuple(code.shape[1:])
        return to_array(code.flatten(1))

    def _latent_shape(self, codes: Floats) -> tuple[int, ...]:
        if self.latent_shape is None and self.data is not None:
            self.encode(self.data[:1])  # codes of pictures' shape (channel, row, column) are handed out flat
        shape = self.latent_shape or codes.shape[1:]
        if int(np.prod(shape)) != int(np.prod(codes.shape[1:])):
            raise LiveError(
                f"codes of shape {codes.shape} do not fit: this decoder takes codes of "
                f"{int(np.prod(shape))} numbers"
            )
        return shape


def _part(model: nn.Module | None, names: tuple[str, str]) -> Callable[..., Any]:
    for name in names:
        found = getattr(model, name, None)
        if callable(found):
            part: Callable[..., Any] = found
            return part
    if model is None:
        raise LiveError(f"an autoencoder needs a model, or {names[1]}=: pass either")
    present = ", ".join(name for name, _ in model.named_children()) or "no parts"
    raise LiveError(
        f"{type(model).__name__} has neither {names[0]!r} nor {names[1]!r}: it has {present}. Say which "
        f"with {names[1]}="
    )


def _kind_of(output: Any) -> str:
    if isinstance(output, tuple | list):
        return f"a {type(output).__name__} of {len(output)}"
    return f"a {type(output).__name__}"
