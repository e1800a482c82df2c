"""What the views of the adversarial game share: scores of real and fake items, and their unit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.adversarial import logit, sigmoid
from genviz.errors import NotCaptured
from genviz.recording import Entry, Recording
from genviz.views.controls import Choice, Control

UNITS = (("probability", "probability of real"), ("logit", "logit"))
TITLES = {"probability": "D(x): probability of real", "logit": "D(x): logit (log-odds of real)"}
THRESHOLDS = {"probability": 0.5, "logit": 0.0}


@dataclass(frozen=True)
class Scores:
    """Scores of real and fake items at one training step, in the unit in which they were recorded.

    Parameters
    ----------
    real, fake : float array, (sample,)
    unit : {"logit", "probability"}
    """

    real: NDArray[np.float64]
    fake: NDArray[np.float64]
    unit: str

    def of(self, source: str, unit: str) -> NDArray[np.float64]:
        """Scores of one source in the unit asked for; D(x) = σ(logit) (arXiv:1406.2661)."""
        scores = self.real if source == "real" else self.fake
        if unit == self.unit:
            return scores
        return sigmoid(scores) if unit == "probability" else logit(scores)


def scores_at(recording: Recording, step: int | None) -> Scores:
    """Read the scores of one training step (or the only ones).

    An array's ``attrs["unit"]`` says what it is. Without it scores are logits, unless every one lies in
    [0, 1], which a discriminator that ends in a sigmoid gives.

    Raises
    ------
    NotCaptured
        When the scores of real or of fake items are missing.
    """
    entries = {source: _one(recording, "score", source, step) for source in ("real", "fake")}
    real, fake = (np.asarray(entries[s].load(), np.float64).ravel() for s in ("real", "fake"))
    unit = entries["real"].attrs.get("unit") or ("probability" if _within(real, fake) else "logit")
    return Scores(real, fake, str(unit))


def items_at(recording: Recording, source: str, step: int | None) -> NDArray[Any]:
    """Real or generated items that belong to the scores of one training step."""
    try:
        return _one(recording, "sample", source, step).load()
    except NotCaptured:
        return _one(recording, "sample", source, None).load()


def steps(recording: Recording) -> list[int]:
    """Training steps at which scores were recorded."""
    return sorted({e.step for e in recording.entries(kind="score") if e.step is not None})


def score_controls(recording: Recording) -> tuple[Control, ...]:
    """Unit, and the training step where there are several; first the last one."""
    found = steps(recording)
    unit = Choice(
        "unit",
        "Score as",
        "probability",
        choices=UNITS,
        help="The discriminator's logit, or what the sigmoid makes of it.",
    )
    if len(found) < 2:
        return (unit,)
    choices = tuple((step, f"step {step:,}") for step in found)
    return (
        unit,
        Choice("step", "Training step", found[-1], choices=choices, help="How far the game had gone."),
    )


def _one(recording: Recording, kind: str, source: str, step: int | None) -> Entry:
    found = [e for e in recording.entries(kind=kind, source=source) if step is None or e.step == step]
    if not found:
        at = "" if step is None else f" at step {step}"
        raise NotCaptured(
            f"no {kind} of {source} items{at}: this recording has {', '.join(recording.kinds())}"
        )
    return max(found, key=lambda entry: (entry.step is not None, entry.step or 0, entry.call))


def _within(*scores: NDArray[np.float64]) -> bool:
    every = np.concatenate(scores)
    finite = every[np.isfinite(every)]
    return bool(finite.size and finite.min() >= 0 and finite.max() <= 1)
