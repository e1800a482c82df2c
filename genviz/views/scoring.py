"""What the views of the adversarial game share: scores of real and fake items, and their unit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.adversarial import logit, sigmoid
from genviz.errors import NotCaptured
from genviz.recording import Entry, Recording
from genviz.views.controls import Choice, Control
from genviz.views.stepping import step_controls
from genviz.views.subject import Subject

RAW = "recorded"
UNITS = (("probability", "probability of real"), ("logit", "logit"))
TITLES = {
    "probability": "D(x): probability of real",
    "logit": "D(x): logit (log-odds of real)",
    RAW: "D(x): in the discriminator's own unit",
}
#: Where a score stops meaning *fake*; a score of unknown unit has no such line.
THRESHOLDS: dict[str, float | None] = {"probability": 0.5, "logit": 0.0, RAW: None}


@dataclass(frozen=True)
class Scores:
    """Scores of real and fake items at one training step, in the unit in which they were recorded.

    Parameters
    ----------
    real, fake : float array, (sample,)
    unit : {"logit", "probability", "recorded"}
    """

    real: NDArray[np.float64]
    fake: NDArray[np.float64]
    unit: str

    def of(self, source: str, unit: str) -> NDArray[np.float64]:
        """Scores of one source in the unit asked for; D(x) = σ(logit) (arXiv:1406.2661)."""
        scores = self.real if source == "real" else self.fake
        if unit in (self.unit, RAW):
            return scores
        if self.unit == RAW:
            raise NotCaptured(
                f"no {unit} of these scores: their unit is not known (score_unit= of genviz.GAN says it)"
            )
        return sigmoid(scores) if unit == "probability" else logit(scores)


def scores_at(recording: Recording, step: int | None) -> Scores:
    """Read the scores of one training step (or the last ones).

    Raises
    ------
    NotCaptured
        When the scores of real or of fake items are missing.
    """
    entries = {source: _one(recording, "score", source, step=step) for source in ("real", "fake")}
    real, fake = (np.asarray(entries[s].load(), np.float64).ravel() for s in ("real", "fake"))
    return Scores(real, fake, unit_of(entries["real"]))


def unit_of(entry: Entry) -> str:
    """What a score is: as ``attrs["unit"]`` says.

    Without it scores are logits, unless every one lies in [0, 1], which a discriminator that ends in a
    sigmoid gives.
    """
    told = entry.attrs.get("unit")
    if told:
        return str(told) if told in ("logit", "probability") else RAW
    scores = np.asarray(entry.load(), np.float64)
    finite = scores[np.isfinite(scores)]
    return "probability" if finite.size and finite.min() >= 0 and finite.max() <= 1 else "logit"


def items_at(recording: Recording, source: str, step: int | None) -> NDArray[Any]:
    """Real or generated items that belong to the scores of one training step."""
    try:
        return _one(recording, "sample", source, step=step).load()
    except NotCaptured:
        return _one(recording, "sample", source, step=None).load()


def score_controls(subject: Subject) -> tuple[Control, ...]:
    """Unit, and the training step where there are several; first the probability where it is known."""
    scores = subject.recorded().entries(kind="score")
    known = bool(scores) and unit_of(scores[-1]) != RAW
    choices = (*(UNITS if known else ()), (RAW, "as recorded"))
    unit = Choice("unit", "Score as", choices[0][0], choices=choices,
                  help="The discriminator's score, or the probability that it means.")  # fmt: skip
    return (unit, *step_controls(subject, "score"))


def _one(recording: Recording, kind: str, source: str, *, step: int | None) -> Entry:
    found = [e for e in recording.entries(kind=kind, source=source) if step is None or e.step == step]
    if not found:
        at = "" if step is None else f" at step {step}"
        raise NotCaptured(
            f"no {kind} of {source} items{at}: this recording has {', '.join(recording.kinds())}"
        )
    return max(found, key=lambda entry: (entry.step is not None, entry.step or 0, entry.call))
