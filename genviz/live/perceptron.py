"""A live multi-layer perceptron."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from torch import nn

from genviz.capture.families.outputs import read_picture
from genviz.errors import LiveError
from genviz.live.base import LiveModel, Shown, as_data, batches, refuse_unknown, spread, tensor_for, to_array
from genviz.live.weights import Checkpoints
from genviz.recording import Recording

Floats = NDArray[np.float32]
_SHOWN = 256
_KINDS = ("input", "weight", "bias", "weighted_sum", "activation")


class Known(Shown, total=False):
    """What is known of the data: how it was standardised, so that it shows in its own units; the formula."""

    feature_mean: Any
    feature_scale: Any
    target_mean: Any
    target_scale: Any
    truth: Any


class Perceptron(LiveModel):
    """A network of fully connected layers, with rows of features to look at.

    Parameters
    ----------
    model : nn.Module
    data : array, optional
        Rows of features, shape (sample, feature), as the model takes them.
    target : array, optional
        What the model should say of each row, shape (sample,) or (sample, 1).
    initial : nn.Module, optional
        The same network with the weights that it began with.
    feature_names : sequence of str, optional
    target_name : str
    checkpoints : sequence of dict, optional
        ``{"step": n, "weights": weights}`` from along the training; see
        :class:`genviz.live.weights.Checkpoints`.
    **known
        ``title``, ``about``; and what is known of the data: ``feature_mean``, ``feature_scale``,
        ``target_mean``, ``target_scale`` (how it was standardised, so that it can be shown in its own units)
        and ``truth`` (the formula).

    Examples
    --------
    >>> live = Perceptron(nn.Linear(2, 1), data=np.zeros((3, 2)), feature_names=["size", "bedrooms"])
    >>> live.predict(np.ones((5, 2))).shape
    (5,)
    """

    family = "perceptron"
    offers = ("record", "record_initial", "record_step", "predict")
    batch_size = 4096

    def __init__(
        self, model: nn.Module, *, data: Any = None, target: Any = None, initial: nn.Module | None = None,
        feature_names: Sequence[str] = (), target_name: str = "",
        checkpoints: Sequence[Mapping[str, Any]] = (), **known: Unpack[Known],
    ) -> None:  # fmt: skip
        refuse_unknown("Perceptron", known, Known)
        super().__init__({"": model}, title=known.pop("title", ""), about=known.pop("about", ""))
        self.data = None if data is None else _rows(data)
        self.target = None if target is None else as_data(target, "target")
        self._check_target()
        self.initial = initial
        self.feature_names = self._names(feature_names)
        self.target_name = target_name
        self.checkpoints = Checkpoints(checkpoints, self.modules)
        self.known = _plain(known)

    @property
    def abilities(self) -> tuple[str, ...]:
        """What needs data, the network as it began, or checkpoints is left out where they are not given."""
        lacking = {"record", "record_initial", "record_step"} if self.data is None else set()
        lacking |= set() if self.initial is not None else {"record_initial"}
        lacking |= set() if self.checkpoints.steps else {"record_step"}
        return tuple(name for name in self.offers if name not in lacking)

    def predict(self, rows: Any) -> Floats:
        """What the model says of rows of features (as it takes them), shape (sample,) or (sample, output)."""
        rows = _rows(rows)
        said = []
        with self.running():
            for part in batches(len(rows), self.batch_size, "predicting"):
                output = read_picture(self.modules[""](tensor_for(self.modules[""], rows[part])))
                if output is None:
                    raise LiveError("the model returned no tensor: let it return its predictions")
                said.append(to_array(output))
        whole = np.concatenate(said)
        return whole[:, 0] if whole.ndim == 2 and whole.shape[1] == 1 else whole

    def record(self, count: int = _SHOWN) -> Recording:
        """Every layer's input, weights, biases, weighted sums and activations for ``count`` rows."""
        return self._recorded(self.modules[""], count, None)

    def record_initial(self, count: int = _SHOWN) -> Recording:
        """Do as ``record`` does, with the weights that the network began with."""
        if self.initial is None:
            raise LiveError(
                "the weights at the start are not known: pass initial= when you make this perceptron"
            )
        return self._recorded(self.initial, count, None)

    def record_step(self, step: int, count: int = _SHOWN) -> Recording:
        """Do as ``record`` does, with the weights of an earlier training step (the nearest checkpoint)."""
        found, modules = self.checkpoints.at(step)
        return self._recorded(modules[""], count, found)

    def defaults(self) -> dict[str, Any]:
        """How many rows a first sight takes."""
        count = _SHOWN if self.data is None else min(_SHOWN, len(self.data))
        return {"count": count, "steps": self.checkpoints.steps}

    def describe(self) -> dict[str, Any]:
        """Tell what this is; with the names of features and target, and how they were standardised."""
        named = {"feature_names": list(self.feature_names), "target_name": self.target_name}
        return {**super().describe(), **named, **self.known}

    def _recorded(self, model: nn.Module, count: int, step: int | None) -> Recording:
        from genviz.capture import record

        if self.data is None:
            raise LiveError("this perceptron has no data to record: pass data= when you make it")
        chosen = spread(count, len(self.data), count)
        rows = self.data[chosen]
        with self.running(model), record(model, family=self.family, kinds=_KINDS) as seen:
            model(tensor_for(model, rows))
        entries = [replace(entry, step=step) for entry in seen.entries()]
        recording = Recording(entries, {**self.describe(), **seen.info})
        if not recording.entries("", "input"):
            recording.add("", "input", rows, step=step)
        if self.target is not None:
            recording.add("", "target", self.target[chosen].reshape(len(chosen), -1)[:, 0], step=step)
        return recording

    def _check_target(self) -> None:
        if self.target is None:
            return
        if self.data is None or len(self.target) != len(self.data):
            rows = 0 if self.data is None else len(self.data)
            raise LiveError(f"target has {len(self.target)} values for {rows} rows of data: give one per row")

    def _names(self, names: Sequence[str]) -> list[str]:
        given = [str(name) for name in names]
        if given and self.data is not None and len(given) != self.data.shape[1]:
            raise LiveError(
                f"{len(given)} feature names for {self.data.shape[1]} features: give one per feature"
            )
        return given


def _plain(known: Mapping[str, Any]) -> dict[str, Any]:
    """Facts about the data as plain JSON."""
    return {
        name: str(value) if name == "truth" else np.asarray(value, np.float64).reshape(-1).tolist()
        for name, value in known.items()
        if value is not None
    }


def _rows(values: Any) -> Floats:
    rows = as_data(values, "rows")
    if rows.ndim != 2:
        raise LiveError(f"rows have shape {rows.shape}: give (sample, feature), one row per sample")
    return rows
