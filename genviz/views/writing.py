"""What the views of the playground share: how an answer is asked for, and the answer."""

import re
from collections.abc import Mapping
from typing import Any

from genviz.analysis.decoding import Settings
from genviz.errors import ControlError, NotApplicable
from genviz.views.asking import ask_together
from genviz.views.controls import Control, Number, Text
from genviz.views.subject import Subject

SPLIT = "|"  # between stop sequences
_MOST_NEW, _MOST_SAMPLES = 1024, 4
_SETTINGS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
_SECOND = {*_SETTINGS, "max_new", "seed"}


def controls(subject: Subject) -> tuple[Control, ...]:
    """What a person sets before an answer is written, and which of its words is looked at."""
    return (
        prompt_control(subject),
        Number("temperature", "Temperature", 1, minimum=0, maximum=2, step=0.05,
               help="Randomness: 0 takes the likeliest word, so the same answer each time; higher varies."),
        Number("max_new", "Max length", 24, minimum=1, maximum=_MOST_NEW,
               help="How many tokens are written at most."),
        Number("top_p", "Top p", 0.9, minimum=0.01, maximum=1, step=0.01,
               help="Only the likeliest words whose probabilities sum to p can be drawn (nucleus)."),
        Text("stop", "Stop sequences", "", longest=80,
             help=f"Texts that end the answer, separated by {SPLIT}; \\n is a line break."),
        Number("top_k", "Top k", 0, minimum=0, maximum=100,
               help="Only so many of the likeliest words can be drawn; 0: all."),
        Number("min_p", "Min p", 0, minimum=0, maximum=1, step=0.01,
               help="Only words of at least this share of the likeliest one's probability can be drawn."),
        Number("repetition_penalty", "Repetition penalty", 1, minimum=0.5, maximum=2, step=0.05,
               help="Scores of words that were said are divided by it; 1 changes nothing."),
        Number("seed", "Seed", 0, minimum=0, maximum=999_999,
               help="Same seed, same words."),
        Number("samples", "Samples", 1, minimum=1, maximum=_MOST_SAMPLES,
               help="How many answers are drawn side by side."),
        Text("banned", "Banned words", "", longest=80,
             help="Words that are never said, separated by commas; #17 is the token with id 17."),
        Text("forced", "Forced words", "", longest=80,
             help="Which word stands where, such as 0:river, 3:#17; places count from 0."),
        Text("beside", "Beside it", "", longest=80,
             help="Other settings on the same prompt, such as temperature=0; or model= and a subject."),
        Number("lane", "Answer", 0, minimum=0, maximum=1,
               help="0: the answer with these settings; 1: the one beside it."),
        Number("sample", "Sample", 0, minimum=0, maximum=_MOST_SAMPLES - 1,
               help="Which of the answers drawn side by side."),
        Number("step", "Word", 0, minimum=0, maximum=_MOST_NEW - 1,
               help="Which word of the answer is looked at; 0 is its first."),
    )  # fmt: skip


def prompt_control(subject: Subject) -> Control:
    """The text that is gone on from, or answered."""
    said = "What the model goes on from; a translator answers it."
    return Text("prompt", "Prompt", first_prompt(subject), longest=4000, help=said)


def first_prompt(subject: Subject) -> str:
    """What a model can go on from: a text made for it, or the first half of an example; all, to translate."""
    told = dict(subject.info.get("defaults") or {})
    if told.get("prompts"):
        return str(told["prompts"][0])
    example = str(next(iter(told.get("text") or ()), ""))
    if told.get("two_sided"):
        return example
    words = example.split()
    return " ".join(words[: -(-len(words) // 2)])


def asked(values: Mapping[str, Any]) -> dict[str, Any]:
    r"""Arguments of ``generate`` as the controls say it.

    Raises
    ------
    ControlError
        When a list of words cannot be read.

    Examples
    --------
    >>> found = asked({"prompt": "the", "stop": ".|!", "banned": "cat, #3", "forced": "1:dog"})
    >>> found["stop"], found["banned"], found["forced"]
    (['.', '!'], ['cat', [3]], {1: 'dog'})
    """
    values = {**values, **(beside(str(values.get("beside", ""))) if values.get("lane") else {})}
    found: dict[str, Any] = {
        "prompt": str(values["prompt"]),
        "stop": stops(str(values.get("stop", ""))),
        "banned": [_word(part) for part in _parts(str(values.get("banned", "")))],
        "forced": dict(_place(part) for part in _parts(str(values.get("forced", "")))),
    }
    for name in ("temperature", "top_p", "min_p", "repetition_penalty"):
        found[name] = float(values.get(name, getattr(Settings, name)))
    for name, first in (("top_k", 0), ("max_new", 24), ("seed", 0), ("samples", 1)):
        found[name] = int(values.get(name, first))
    return found


def answered(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``generate`` writes with these controls.

    Raises
    ------
    NotApplicable
        When they ask for the answer beside it, and that is another model's.
    """
    other = beside(str(values.get("beside", ""))).get("model") if values.get("lane") else None
    if other is not None:
        raise NotApplicable(
            f"the answer beside it is {other!r}'s, not {subject.name!r}'s: choose that model as the subject "
            "to look into its words"
        )
    found: dict[str, Any] = ask_together(subject, "generate", **asked(values))
    return found


def settings_of(values: Mapping[str, Any], banned: tuple[tuple[int, ...], ...]) -> Settings:
    """How a word is chosen with these controls; banned words as ids."""
    told = asked(values)
    return Settings(**{name: told[name] for name in _SETTINGS}, banned=banned)


def stops(text: str) -> list[str]:
    """The stop sequences that a field says."""
    return [part.replace("\\n", "\n") for part in text.split(SPLIT)] if text else []


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _word(text: str) -> str | list[int]:
    """A word as it is written, or ``#17``, the token of that id."""
    return [int(text[1:])] if re.fullmatch(r"#\d+", text) else text


def _place(text: str) -> tuple[int, str | list[int]]:
    found = re.fullmatch(r"(\d+)\s*:\s*(.+)", text)
    if found is None:
        raise ControlError(f"forced={text!r} does not fit: say which word stands where, such as 0:river")
    return int(found[1]), _word(found[2])


def beside(text: str) -> dict[str, Any]:
    """Settings of the second answer by name, and ``model`` where it is another one's.

    Examples
    --------
    >>> beside("temperature=0, model=translator")
    {'temperature': 0.0, 'model': 'translator'}
    """
    found: dict[str, Any] = {}
    for part in _parts(text):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        name = name.replace(" ", "_").lower()
        if name == "model" and value:
            found[name] = value
            continue
        if name not in _SECOND or not sign:
            raise ControlError(
                f"beside={part!r} does not fit: say one of {', '.join(sorted(_SECOND))} and its value, such "
                "as temperature=0, or model= and the name of another subject as it stands in links"
            )
        try:
            found[name] = float(value)
        except ValueError:
            raise ControlError(f"beside={part!r} does not fit: {value!r} is not a number") from None
    return found
