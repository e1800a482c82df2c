"""A base model beside what was fine-tuned from it: which one is chosen, and what both answer."""

from dataclasses import dataclass
from typing import Any

from genviz.errors import NotCaptured
from genviz.views.asking import ask_plainly
from genviz.views.controls import Choice
from genviz.views.subject import Subject

LONGEST = 24  # tokens of an answer, where nobody knows how long the right one is


def other_control(subject: Subject) -> Choice:
    """Which of the models beside this one."""
    names = tuple((name, name) for name in subject.beside)
    told = "A model that was trained on from this one, or any of the same build."
    return Choice("other", "Compare with", names[0][0], choices=names, help=told)


@dataclass(frozen=True)
class Answered:
    """One prompt, and what two models make of it.

    Parameters
    ----------
    prompt : str
    right : str or None
        The answer that is right, where it is known.
    told : (str, str)
        What this model and the other one answer.
    """

    prompt: str
    right: str | None
    told: tuple[str, str]

    def hits(self, side: int) -> bool | None:
        """Whether a side's answer is word for word the right one; None where that is not known."""
        return None if self.right is None else _words(self.told[side]) == _words(self.right)


def answered(subject: Subject, other: str, *, prompt: str, count: int) -> list[Answered]:
    """Ask both models the same: a prompt, exercises that one of them knows the answers of, or its examples.

    Raises
    ------
    NotCaptured
        When there is nothing to ask, or one of the models does not go on with a text.
    """
    beside = subject.beside[other]
    for each in (subject, beside):
        if not each.has("live.answers"):
            raise NotCaptured(f"{each.name!r} does not go on with a text, so it answers nothing")
    asked: list[tuple[str, str | None]] = [(prompt, None)] if prompt.strip() else []
    if not asked:
        known = next(filter(None, map(exercises, (beside, subject))), [])
        asked = [(first, answer) for first, answer in known[:count]]
    if not asked:
        texts = (subject.info.get("defaults") or {}).get("text") or ()
        asked = [(str(text), None) for text in list(texts)[:count]]
    if not asked:
        raise NotCaptured("nothing to ask: write a prompt, or pass exercises= when you make the model")
    prompts = [each for each, _ in asked]
    longest = max((len((right or "").split()) for _, right in asked), default=0)
    told = [_texts(each, prompts, longest + 6 if longest else LONGEST) for each in (subject, beside)]
    return [Answered(each, right, (one, two)) for (each, right), one, two in zip(asked, *told, strict=True)]


def exercises(subject: Subject) -> list[tuple[str, str]]:
    """Prompts with the answers that are right, which a model was not trained on."""
    found = (subject.info.get("defaults") or {}).get("exercises") or ()
    return [(str(prompt), str(answer)) for prompt, answer in found]


def _texts(subject: Subject, prompts: list[str], count: int) -> list[str]:
    told: list[dict[str, Any]] = ask_plainly(subject, "answers", prompts=prompts, count=count)
    return [str(each["text"]) + ("" if each["ended"] else " …") for each in told]


def _words(text: str) -> str:
    return " ".join(text.split())
