"""How a text gets into a model, and scores come out: what every ability of a language model stands on."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor, nn

from genviz.errors import LiveError
from genviz.live.base import LiveModel, Shown, place_of, refuse_unknown
from genviz.live.fitting import fitted
from genviz.live.lens import read_translators
from genviz.live.progress import report
from genviz.live.stack import Layout
from genviz.live.tokenizers import named
from genviz.live.tokenizing import Tokenised, Tokenizing
from genviz.live.training_run import training_run
from genviz.recording import Recording

Text = str | Sequence[int]
_LONGEST = 64


class Known(Shown, total=False):
    """What comes by name beside a model and its texts: its name, its training, what it should answer."""

    prompts: Sequence[str]
    stop: Sequence[str]
    checkpoints: str | Path | Sequence[Mapping[str, Any]]
    history: Mapping[str, Mapping[str, Sequence[float]]]
    exercises: Sequence[tuple[str, str]]


class TextModel(LiveModel):
    """A model that reads text, and how it is run; parameters as :class:`genviz.live.language.LanguageModel`.

    The abilities of a language model come in parts, each a subclass of this one with its ``offers`` and
    ``conditions``.
    """

    family = "transformer"
    #: By ability, the property that has to hold for it.
    conditions: ClassVar[dict[str, str]]

    def __init__(
        self, model: nn.Module, tokenizer: Any = None, *, text: str | Sequence[Text] = (),
        target_tokenizer: Any = None, target_text: str | Sequence[Text] = (),
        tokenizers: Mapping[str, Any] | Sequence[Any] = (), tuned_lens: str | Path | None = None,
        **known: Unpack[Known],
    ) -> None:  # fmt: skip
        refuse_unknown(type(self).__name__, known, Known)
        super().__init__({"": model}, title=known.get("title", ""), about=known.get("about", ""))
        self.prompts, self.stop = tuple(known.get("prompts", ())), tuple(known.get("stop", ()))
        self.checkpoints, self.history = training_run(
            known.get("checkpoints", ()), known.get("history"), self.modules
        )
        self.exercises = tuple((str(prompt), str(answer)) for prompt, answer in known.get("exercises", ()))
        self.others = named(tokenizers)
        self.source = Tokenizing(tokenizer)
        self.target = Tokenizing(tokenizer if target_tokenizer is None else target_tokenizer)
        self.two_sided = target_tokenizer is not None or _config(model, "is_encoder_decoder") is True
        self.text: tuple[Text, ...] = (text,) if isinstance(text, str) else tuple(text)
        self.target_text = (target_text,) if isinstance(target_text, str) else tuple(target_text)
        self.translators = {} if tuned_lens is None else read_translators(tuned_lens)

    @property
    def abilities(self) -> tuple[str, ...]:
        """What this model can do: some abilities need one that scores the vocabulary, or predicts words."""
        return tuple(
            name for name in self.offers
            if name not in self.conditions or getattr(self, self.conditions[name])
        )  # fmt: skip

    @cached_property
    def scores_vocabulary(self) -> bool:
        """Whether the model gives a score per vocabulary entry, and has blocks to look into; tried out."""
        with self.running():
            try:
                Layout.of(self)
                target = self._start() if self.two_sided else None
                return self.one_sample(self._run(self._example_ids(), target)) is not None
            except LiveError:
                return False

    @cached_property
    def scores_words(self) -> bool:
        """Whether the model gives a score per vocabulary entry, whatever it is built of; tried out."""
        with self.running():
            target = self._start() if self.two_sided else None
            return self.one_sample(self._run(self._example_ids(), target)) is not None

    @cached_property
    def mixes_experts(self) -> bool:
        """Whether feed-forward networks choose among experts, and tell which token goes to which."""
        try:
            return any(tap.kind == "routing" for tap in Layout.of(self).plan.taps)
        except LiveError:
            return False

    @cached_property
    def predicts_next(self) -> bool:
        """Whether the model scores the vocabulary and looks only at what came before; tried out."""
        ids = self._example_ids()
        with self.running():
            try:
                scores = self.one_sample(self._run(ids, self._start() if self.two_sided else None))
            except LiveError:
                return False
            if scores is None or self.two_sided:
                return scores is not None
            changed = self.one_sample(self._run([*ids[:-1], ids[-2]], None))
        return changed is not None and torch.allclose(scores[:-1], changed[:-1], rtol=1e-3, atol=1e-4)

    def tokenize(self, text: Text, *, target: bool = False) -> dict[str, list[Any]]:
        """Ids and tokens of a text (or of ids) as the model gets them; ``target``: of its answers."""
        tokenised = (self.target if target else self.source).encode(text)
        return {"ids": tokenised.ids, "tokens": tokenised.tokens}

    def word_id(self, word: int | str) -> int:
        """Id of a word that is one token.

        Raises
        ------
        LiveError
            When it is none, or several.
        """
        if isinstance(word, int):
            return word
        found: list[str] = []
        for written in (word, f" {word.strip()}"):
            ids = self.target.plain_ids(written)
            if len(ids) == 1:
                return ids[0]
            found = found or self.target.tokens(ids)
        raise LiveError(
            f"{word!r} is {len(found)} tokens for this model ({', '.join(found)}): choose one of them"
        )

    def record(
        self, text: Text | None = None, target_text: Text | None = None, *, values: bool = False,
        cut: bool = False,
    ) -> Recording:  # fmt: skip
        """Run the model on a text and record everything inside.

        Parts that PyTorch's fused encoder kernel would not give out run one by one; the provenance says so.

        Parameters
        ----------
        text : str, or sequence of int, optional
            Default: the first example.
        target_text : str, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers, greedily.
        values : bool
            Also keep what attention mixes (kind ``value``).
        cut : bool
            Leave out what is more than the model has positions for; ``info["cut"]`` then says where.

        Raises
        ------
        TooLong
            When the text does not fit and ``cut`` is not set.
        """
        from genviz.capture import part_by_part, record

        if text is None:
            if not self.text:
                raise LiveError("no text to record: give one, or pass text= when you make this model")
            text = self.text[0]
        text, source, left_out = fitted(self, text, cut=cut)
        target = self._target(source, target_text) if self.two_sided else None
        report(0.5, "recording")
        answer = None if target is None else [target.tokens]
        watching = record(
            self.modules[""], family=self.family, tokens=[source.tokens], target_tokens=answer, values=values
        )
        with self.running(), part_by_part(self.modules[""]) as changed, watching as seen:
            self._run(source.ids, None if target is None else target.ids)
        provenance = {**seen.info["provenance"], **changed}
        specials = list(dict.fromkeys([*self.source.specials, *self.target.specials]))
        own = {"text": [written(text)], "provenance": provenance, "special_tokens": specials}
        own |= {"cut": left_out} if left_out else {}
        return Recording(seen.entries(), {**self._heading(), **seen.info, **own})

    # -- running ---------------------------------------------------------------------------------

    def _run(self, ids: Sequence[int], target: Sequence[int] | None) -> Any:
        return self.run_many(ids, target, 1)

    def run_many(self, ids: Any, target: Any, count: int) -> Any:
        """Run the model on ``count`` copies of a text, or on as many texts of equal length (nested ids)."""
        model = self.modules[""]
        accepted = inspect.signature(model.forward).parameters
        source = self._tensor(ids, count)
        if "input_ids" not in accepted:
            return model(source) if target is None else model(source, self._tensor(target, count))
        arguments: dict[str, Any] = {"input_ids": source}
        if "attention_mask" in accepted:
            arguments["attention_mask"] = torch.ones_like(source)
        if target is not None:
            arguments["decoder_input_ids"] = self._tensor(target, count)
        return model(**arguments)

    def _tensor(self, ids: Any, count: int = 1) -> Tensor:
        if isinstance(ids, Tensor):  # made here before
            found = ids
        else:
            found = torch.as_tensor(ids, dtype=torch.long, device=place_of(self.modules[""])[0])
        return found if found.ndim == 2 else found.expand(count, -1).contiguous()

    def scores(self, output: Any) -> Tensor | None:
        """Scores (sample, token, vocab), or None when the output is something else."""
        found = output.get("logits") if isinstance(output, dict) else getattr(output, "logits", output)
        if isinstance(found, tuple | list):
            found = next((each for each in found if isinstance(each, Tensor) and each.ndim == 3), None)
        if not isinstance(found, Tensor) or found.ndim != 3 or found.shape[-1] not in self._vocabularies():
            return None
        return found.float()

    def one_sample(self, output: Any) -> Tensor | None:
        """Scores of the first sample, (token, vocab), or None when the output is something else."""
        found = self.scores(output)
        return None if found is None else found[0]

    def _vocabularies(self) -> set[int]:
        """How many entries the output can have: those of an embedding, or those the tokenizer knows."""
        embeddings = [each for each in self.modules[""].modules() if isinstance(each, nn.Embedding)]
        sizes = {each.num_embeddings for each in embeddings}
        return sizes | ({self.target.size} if self.target.size else set())

    def _example_ids(self) -> list[int]:
        ids = self.source.encode(self.text[0]).ids if self.text else []
        return ids if len(ids) > 1 and ids[-1] != ids[-2] else [*ids[:-1], 1, 2]

    # -- the target side of an encoder–decoder ------------------------------------------------------

    def _start(self) -> list[int]:
        """What a decoder begins with."""
        model = self.modules[""]
        for found in (
            _config(model, "decoder_start_token_id"),
            self.target.special("bos"),
            _config(model, "bos_token_id"),
        ):
            if isinstance(found, int):
                return [found]
        raise LiveError(
            "it is not known which token a target begins with: give the target tokenizer an attribute bos_id"
        )

    def end_ids(self) -> frozenset[int]:
        """Ids that end a text: those that ``generate()`` would stop at, else the tokenizer's own."""
        config = getattr(self.modules[""], "generation_config", None)
        found = getattr(config, "eos_token_id", None)
        for each in (self.target.special("eos"), _config(self.modules[""], "eos_token_id")):
            found = each if found is None else found
        return frozenset() if found is None else frozenset([found] if isinstance(found, int) else found)

    def _answer_ids(self, text: Text) -> list[int]:
        """Ids of a target text without the marks that a tokenizer puts around it."""
        ids = self.target.encode(text).ids
        marks = {self.target.special("bos"), self.target.special("eos"), *self._start()}
        while ids and ids[0] in marks:
            ids = ids[1:]
        while ids and ids[-1] in marks:
            ids = ids[:-1]
        return ids

    def _target(self, source: Tokenised, text: Text | None) -> Tokenised:
        ids = [*self._start(), *(self._greedy(source.ids) if text is None else self._answer_ids(text))]
        return Tokenised(ids, self.target.tokens(ids))

    def _greedy(self, source: Sequence[int]) -> list[int]:
        """The model's own answer: at each position the likeliest token, until it ends the sentence."""
        ends = self.target.special("eos")
        ends = _config(self.modules[""], "eos_token_id") if ends is None else ends
        answer = self._start()
        with self.running():
            while len(answer) <= _LONGEST:
                report(0.5 * len(answer) / _LONGEST, "answering")
                scores = self.one_sample(self._run(source, answer))
                if scores is None:
                    break
                best = int(scores[-1].argmax())
                if best == ends:
                    break
                answer.append(best)
        return answer[1:]


def _config(model: nn.Module, name: str) -> Any:
    """What a model's configuration says, or None."""
    return getattr(getattr(model, "config", None), name, None)


def written(text: Text) -> str:
    """A text, or ids, as one string."""
    return text if isinstance(text, str) else " ".join(map(str, text))
