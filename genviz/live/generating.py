"""A language model that writes: the playground's abilities."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np

from genviz.analysis.decoding import Settings
from genviz.errors import ControlError
from genviz.live.base import refuse_unknown
from genviz.live.choosing import Chooser, Plan, first_of
from genviz.live.stepping import Beginning, context_of, run_steps
from genviz.live.text_model import Text, TextModel, written
from genviz.recording import Recording

Word = str | int | Sequence[int]
MOST_SAMPLES = 16


class Asked(TypedDict, total=False):
    """How an answer is to be written; see :meth:`Generating.generate`."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    banned: Sequence[Word]
    forced: Mapping[int, Word]
    begin: Text
    max_new: int
    stop: Sequence[str]
    seed: int
    samples: int
    seconds: float


class Generating(TextModel):
    """Abilities that write; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = ("generate", "next_scores", "record_answer")
    conditions: ClassVar[dict[str, str]] = dict.fromkeys(offers, "predicts_next")

    def generate(self, prompt: Text, **asked: Unpack[Asked]) -> dict[str, Any]:
        """Go on from a prompt (or answer it), word after word, each handed over as it is made.

        Parameters
        ----------
        prompt : str or sequence of int
        temperature, top_k, top_p, min_p, repetition_penalty
            See :class:`genviz.analysis.decoding.Settings`.
        banned : sequence of words
            Each as text (with and without a space before it) or as ids.
        forced : mapping of int to word
            Step (from 0) → what is said there; a word of several tokens takes as many steps.
        begin : str or sequence of int
            What the answer begins with. It goes on as if all of it had been drawn here, with the same seed.
        max_new : int
            Tokens at most; default 32.
        stop : sequence of str
            Texts that end the answer, wherever tokens begin and end; the answer's text ends before it.
        seed, samples : int
            How many answers are drawn side by side, from one generator.
        seconds : float
            After which it ends with what there is; default 120.

        Returns
        -------
        dict
            ``samples``: a dict each with ``ids``, ``tokens``, ``text``, ``probabilities`` (the model's own)
            and ``chances`` (with which it was drawn) of those written here, ``ended`` (end, stop, length,
            context, time), ``stop``; ``prompt`` with ``ids`` and ``tokens``; ``begin``, how many tokens were
            there before; ``banned`` and ``forced`` as ids. Handed over at each step: ``step`` and
            ``samples``, for each (None where it has ended) the word and the likeliest ones ``before`` and
            ``after`` all settings.

        Raises
        ------
        ControlError
            When something asked for does not fit.
        """
        refuse_unknown("generate()", asked, Asked)
        source = self._prompt(prompt)
        plan = self._plan(source, asked)
        chooser = Chooser(self, plan)
        run_steps(self, self._beginning(source, plan.begin, plan.samples), chooser, plan.most)
        names = self.source.tokens(source)
        return {
            "prompt": {"ids": source, "tokens": names},
            "begin": len(plan.begin),
            "banned": [list(word) for word in plan.settings.banned],
            "forced": dict(plan.forced),
            "samples": [
                {
                    "ids": sample.ids,
                    "tokens": self.target.tokens(sample.ids),
                    "text": self._text(sample.ids, plan),
                    "probabilities": sample.probabilities,
                    "chances": sample.chances,
                    "ended": sample.ended,
                    "stop": sample.stop,
                }
                for sample in chooser.samples
            ],
        }

    def next_scores(self, prompt: Text, *, answer: Text = ()) -> dict[str, Any]:
        """The scores of every word of the vocabulary after a prompt and an answer so far.

        Parameters
        ----------
        prompt, answer : str or sequence of int

        Returns
        -------
        dict
            ``logits`` (vocab,); ``earlier``, ids that count as said (for a repetition penalty); ``tokens`` of
            the prompt and of the answer.
        """
        source, begin = self._prompt(prompt), self._ids_of(answer)
        seen: list[Any] = []

        def look(earlier: Any, logits: Any) -> None:
            seen.append((earlier[0].tolist(), logits[0].cpu().numpy()))

        self._room(source, begin)
        run_steps(self, self._beginning(source, begin, 1), look, 1)
        earlier, logits = seen[0]
        names = {"prompt": self.source.tokens(source), "answer": self.target.tokens(begin) if begin else []}
        return {"logits": np.asarray(logits, np.float32), "earlier": earlier, "tokens": names}

    def record_answer(self, prompt: Text, answer: Text) -> Recording:
        """Record attention while a given answer is written, step by step where the model keeps its keys.

        Parameters
        ----------
        prompt, answer : str or sequence of int
        """
        from genviz.capture import record

        source, ids = self._prompt(prompt), self._ids_of(answer)
        self._room(source, ids[:-1])
        step = iter(ids)

        def say(_: Any, __: Any) -> list[int] | None:
            following = next(step, None)
            return None if following is None else [following]

        written_ids = [*self._start(), *ids] if self.two_sided else [*source, *ids]
        own = self.target if self.two_sided else self.source
        names = [own.tokens(written_ids)]
        watching = record(
            self.modules[""], family=self.family, kinds=["attention"],
            tokens=[self.source.tokens(source)] if self.two_sided else names,
            target_tokens=names if self.two_sided else None,
        )  # fmt: skip
        with watching as seen:
            run_steps(self, self._beginning(source, [], 1), say, len(ids) + 1)
        return Recording(seen.entries(), {**self.describe(), **seen.info, "text": [written(prompt)]})

    # -- what was asked for --------------------------------------------------------------------------

    def _prompt(self, prompt: Text) -> list[int]:
        if not (prompt.strip() if isinstance(prompt, str) else list(prompt)):
            raise ControlError("the prompt is empty: give at least one word to go on from")
        ids = self.source.encode(prompt).ids
        end = self.source.special("eos")
        if not self.two_sided and isinstance(prompt, str) and len(ids) > 1 and ids[-1] == end:
            return ids[:-1]  # a mark that the tokenizer puts behind a text would end it
        return ids

    def _beginning(self, source: list[int], begin: Sequence[int], samples: int) -> Beginning:
        before = self._start() if self.two_sided else source
        return Beginning(source if self.two_sided else [], [*before, *begin], samples)

    def _plan(self, source: list[int], asked: Asked) -> Plan:
        begin = self._ids_of(asked.get("begin", ()))
        most = _whole("max_new", asked.get("max_new", 32), 1, "give 1 token or more")
        if most <= len(begin):
            raise ControlError(
                f"max_new={most} does not fit: the answer begins with {len(begin)} tokens already; give more"
            )
        return Plan(
            settings=self._settings(asked),
            max_new=most,
            room=self._room(source, begin),
            stop=_stops(asked.get("stop", ())),
            ends=self.end_ids(),
            seed=_whole("seed", asked.get("seed", 0), 0, "give 0 or more", 2**63 - 1),
            samples=_whole("samples", asked.get("samples", 1), 1, f"give 1 to {MOST_SAMPLES}", MOST_SAMPLES),
            forced=self._forced(asked.get("forced", {})),
            begin=begin,
            seconds=float(asked.get("seconds", 120.0)),
        )

    def _settings(self, asked: Asked) -> Settings:
        given = {name: asked[name] for name in _OF_SETTINGS if name in asked}  # type: ignore[literal-required]
        words = [form for word in asked.get("banned", ()) for form in self._forms(word)]
        return Settings(**given, banned=tuple(dict.fromkeys(words)))

    def _room(self, source: list[int], begin: Sequence[int]) -> int | None:
        """How many tokens fit behind what is there; None where the model sets no limit."""
        context = context_of(self)
        if context is None:
            return None
        if len(source) > context:
            raise ControlError(
                f"the prompt has {len(source)} tokens, and this model reads {context}: shorten it by "
                f"{len(source) - context}"
            )
        before = len(begin) + (len(self._start()) if self.two_sided else len(source))
        if before > context:
            raise ControlError(
                f"prompt and answer have {before} tokens, and this model reads {context}: nothing fits behind"
            )
        return context - before + 1  # the last one is written, but not read again

    def _text(self, ids: Sequence[int], plan: Plan) -> str:
        text = self.target.text([each for each in ids if each not in plan.ends])
        stop = first_of(plan.stop, text)
        return text[: text.index(stop)] if stop else text

    # -- words -----------------------------------------------------------------------------------

    def _ids_of(self, text: Text) -> list[int]:
        return self.target.plain_ids(text) if isinstance(text, str) else [int(each) for each in text]

    def _forms(self, word: Word) -> list[tuple[int, ...]]:
        """Ids of a word, as it stands at the beginning and within a text."""
        if isinstance(word, int):
            return [(word,)]
        if not isinstance(word, str):
            return [tuple(int(each) for each in word)]
        if not word.strip():
            raise ControlError("a word is empty: give words of at least one letter")
        forms = [tuple(self.target.plain_ids(form)) for form in dict.fromkeys((word, f" {word.strip()}"))]
        unknown = self.target.special("unk")
        if unknown is not None and any(unknown in form for form in forms):
            raise ControlError(f"{word!r} is not in this model's vocabulary")
        return list(dict.fromkeys(form for form in forms if form))

    def _forced(self, words: Mapping[int, Word]) -> dict[int, int]:
        found: dict[int, int] = {}
        for step, word in sorted((int(step), word) for step, word in words.items()):
            if step < 0:
                raise ControlError(f"forced step {step} does not fit: steps count from 0")
            form = min(self._forms(word)[::-1], key=len)  # within a text where both are as long
            found.update({step + at: each for at, each in enumerate(form)})
        return found


_OF_SETTINGS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")


def _whole(name: str, value: Any, least: int, says: str, most: int | None = None) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = least - 1
    if number != value or number < least or (most is not None and number > most):
        raise ControlError(f"{name}={value!r} does not fit: {says}")
    return number


def _stops(stops: Sequence[str]) -> tuple[str, ...]:
    stops = (stops,) if isinstance(stops, str) else tuple(stops)
    if "" in stops:
        raise ControlError(
            "a stop sequence is empty, and would end every answer: give at least one character"
        )
    return stops
