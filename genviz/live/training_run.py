"""How a training run is given: checkpoints as a list or as a Trainer's folder, and the loss along the way."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from genviz.errors import LiveError
from genviz.live.weights import Checkpoints, read_weights

#: By line of the loss (``train``, ``validation``, …), ``steps`` and ``loss`` in nats.
History = dict[str, dict[str, list[float]]]
_LINES = {"loss": "train", "eval_loss": "validation"}  # as transformers.Trainer logs them


def training_run(
    checkpoints: str | Path | Sequence[Mapping[str, Any]],
    history: Mapping[str, Mapping[str, Sequence[float]]] | None,
    modules: Mapping[str, nn.Module],
) -> tuple[Checkpoints, History]:
    """Read what is known of a training.

    Parameters
    ----------
    checkpoints : sequence of dict, or path
        See :class:`genviz.live.weights.Checkpoints`; or the folder that a Hugging Face ``Trainer`` wrote:
        ``checkpoint-500/`` and so on with weights in safetensors files, and ``trainer_state.json``.
    history : mapping, optional
        By line (``train``, ``validation``), ``steps`` and ``loss``; a Trainer's folder has its own.
    modules : mapping of str to nn.Module

    Raises
    ------
    LiveError
        When the folder holds no checkpoints, or steps and losses are not as many.
    """
    told = _checked(history or {})
    if isinstance(checkpoints, str | Path):
        items, logged = _of_trainer(Path(checkpoints).expanduser())
        return Checkpoints(items, modules), told or logged
    return Checkpoints(checkpoints, modules), told


def _checked(history: Mapping[str, Mapping[str, Sequence[float]]]) -> History:
    found: History = {}
    for name, line in history.items():
        if set(line) != {"steps", "loss"} or len(line["steps"]) != len(line["loss"]):
            raise LiveError(f"history[{name!r}] needs 'steps' and as many numbers in 'loss'")
        found[str(name)] = {key: [float(each) for each in values] for key, values in line.items()}
    return found


def _of_trainer(folder: Path) -> tuple[list[dict[str, Any]], History]:
    steps = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in folder.glob("checkpoint-*")
        if path.name.removeprefix("checkpoint-").isdigit()
    }
    if not steps:
        raise LiveError(
            f"{folder} holds no checkpoints: a Trainer writes folders such as checkpoint-500 there; or give "
            "a list such as [{'step': 500, 'weights': 'model.safetensors'}, …]"
        )
    items = [{"step": step, "weights": _reader(step, path)} for step, path in sorted(steps.items())]
    logs = [path / "trainer_state.json" for path in (steps[max(steps)], folder)]
    return items, _logged(next((log for log in logs if log.is_file()), None))


def _reader(step: int, path: Path) -> Callable[[], dict[str, Any]]:
    files = sorted(path.glob("model*.safetensors"))
    if not files:
        raise LiveError(
            f"{path} has no model.safetensors: train with save_safetensors=True (a pickle is not opened, and "
            "the adapter of a larger model is to be merged into it first)"
        )
    return partial(_together, files, f"checkpoint {step}")


def _together(files: Sequence[Path], what: str) -> dict[str, Any]:
    """The parts of a model that was saved in several files."""
    return {name: value for file in files for name, value in read_weights(file, what).items()}


def _logged(path: Path | None) -> History:
    if path is None:
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["log_history"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LiveError(f"{path} cannot be read ({error}): give history= instead") from None
    found: History = {}
    for key, name in _LINES.items():
        line = [entry for entry in entries if key in entry and "step" in entry]
        if line:
            found[name] = {
                "steps": [float(entry["step"]) for entry in line],
                "loss": [float(entry[key]) for entry in line],
            }
    return found
