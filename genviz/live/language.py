"""A live language model: decoder, encoder, or encoder–decoder."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from genviz.errors import LiveError
from genviz.live.base import LiveModel, place_of
from genviz.live.progress import report
from genviz.live.tokenizers import named, split
from genviz.live.tokenizing import Tokenised, Tokenizing
from genviz.recording import Recording

Text = str | Sequence[int]
_LONGEST = 64


class LanguageModel(LiveModel):
    """A model of text, with its tokenizer.

    Parameters
    ----------
    model : nn.Module
        Called with ids of shape (sample, token), by position or as ``input_ids``; an encoder–decoder with the
        target's ids too (second, or as ``decoder_input_ids``).
    tokenizer : object, optional
        See :class:`genviz.live.tokenizing.Tokenizing`. Without one, texts are ids: ``[5, 12]`` or ``"5 12"``.
    text : str or sequence of str, optional
        Examples; the first is what ``record()`` runs.
    target_tokenizer : object, optional
        Of an encoder–decoder: its presence says that the model is one.
    target_text : str or sequence of str, optional
        Targets of the examples.
    tokenizers : mapping or sequence, optional
        Others to set beside the model's own: ``{"name": tokenizer or path}``, or paths of ``tokenizer.json``
        files and of folders that hold one.
    title, about : str

    Examples
    --------
    >>> live = LanguageModel(nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)), text="1 2 3")
    >>> live.tokenize("4 5")
    {'ids': [4, 5], 'tokens': ['4', '5']}
    >>> len(live.next_tokens("1 2", count=3)["probabilities"])
    3
    """

    family = "transformer"
    offers = ("record", "tokenize", "tokenizations", "next_tokens")

    def __init__(
        self, model: nn.Module, tokenizer: Any = None, *, text: str | Sequence[Text] = (),
        target_tokenizer: Any = None, target_text: str | Sequence[Text] = (),
        tokenizers: Mapping[str, Any] | Sequence[Any] = (), title: str = "", about: str = "",
    ) -> None:  # fmt: skip
        super().__init__({"": model}, title=title, about=about)
        self.others = named(tokenizers)
        self.source = Tokenizing(tokenizer)
        self.target = Tokenizing(tokenizer if target_tokenizer is None else target_tokenizer)
        self.two_sided = target_tokenizer is not None or _config(model, "is_encoder_decoder") is True
        self.text: tuple[Text, ...] = (text,) if isinstance(text, str) else tuple(text)
        self.target_text = (target_text,) if isinstance(target_text, str) else tuple(target_text)

    @property
    def abilities(self) -> tuple[str, ...]:
        """``next_tokens`` needs a model that predicts the next token from those before it."""
        return tuple(name for name in self.offers if name != "next_tokens" or self.predicts_next)

    @cached_property
    def predicts_next(self) -> bool:
        """Whether the model scores the vocabulary and looks only at what came before; tried out."""
        ids = self._example_ids()
        with self.running():
            try:
                scores = self._logits(self._run(ids, self._start() if self.two_sided else None))
            except LiveError:
                return False
            if scores is None or self.two_sided:
                return scores is not None
            changed = self._logits(self._run([*ids[:-1], ids[-2]], None))
        return changed is not None and torch.allclose(scores[:-1], changed[:-1], rtol=1e-3, atol=1e-4)

    def tokenize(self, text: Text) -> dict[str, list[Any]]:
        """Ids and tokens of a text, as the model gets them."""
        tokenised = self.source.encode(text)
        return {"ids": tokenised.ids, "tokens": tokenised.tokens}

    def tokenizations(self, text: str) -> list[dict[str, Any]]:
        """How the model's tokenizers, and those set beside them, cut a text.

        Returns
        -------
        list of dict
            See :class:`genviz.analysis.splitting.Splitting`.
        """
        own = {"this model": self.source.tokenizer}
        if self.two_sided and self.target.tokenizer is not self.source.tokenizer:
            own["this model, target side"] = self.target.tokenizer
        return [split(each, text, name=name).to_json() for name, each in {**own, **self.others}.items()]

    def record(
        self, text: Text | None = None, target_text: Text | None = None, *, values: bool = False
    ) -> Recording:
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
        """
        from genviz.capture import part_by_part, record

        if text is None:
            if not self.text:
                raise LiveError("no text to record: give one, or pass text= when you make this model")
            text = self.text[0]
        source = self.source.encode(text)
        target = self._target(source, target_text) if self.two_sided else None
        report(0.5, "recording")
        answer = None if target is None else [target.tokens]
        watching = record(
            self.modules[""], family=self.family, tokens=[source.tokens], target_tokens=answer, values=values
        )
        with self.running(), part_by_part(self.modules[""]) as changed, watching as seen:
            self._run(source.ids, None if target is None else target.ids)
        provenance = {**seen.info["provenance"], **changed}
        own = {"text": [_written(text)], "provenance": provenance}
        return Recording(seen.entries(), {**self.describe(), **seen.info, **own})

    def next_tokens(
        self, text: Text, count: int = 10, target_text: Text | None = None
    ) -> dict[str, list[Any]]:
        """The likeliest next tokens.

        Parameters
        ----------
        text : str or sequence of int
        count : int
        target_text : str or sequence of int, optional
            For an encoder–decoder: the answer so far (default: nothing yet).

        Returns
        -------
        dict
            ``ids``, ``tokens``, ``probabilities`` (of the whole vocabulary, so they sum to less than one) and
            ``logits``, best first.
        """
        source = self.source.encode(text)
        target = None
        if self.two_sided:
            target = [*self._start(), *([] if not target_text else self._answer_ids(target_text))]
        with self.running():
            scores = self._logits(self._run(source.ids, target))
        if scores is None:
            raise LiveError(f"{type(self.modules['']).__name__} gives no score per vocabulary entry")
        last = scores[-1].double()
        best = last.topk(min(max(1, int(count)), last.numel()))
        probabilities = (best.values - last.logsumexp(0)).exp()
        ids = best.indices.tolist()
        return {
            "ids": ids,
            "tokens": self.target.tokens(ids),
            "probabilities": probabilities.tolist(),
            "logits": best.values.tolist(),
        }

    def defaults(self) -> dict[str, Any]:
        """Example texts, and whether a target text can be given."""
        targets = [_written(each) for each in self.target_text]
        return {
            "text": [_written(each) for each in self.text],
            "target_text": targets,
            "two_sided": self.two_sided,
        }

    # -- running ---------------------------------------------------------------------------------

    def _run(self, ids: Sequence[int], target: Sequence[int] | None) -> Any:
        model = self.modules[""]
        accepted = inspect.signature(model.forward).parameters
        source = self._tensor(ids)
        if "input_ids" not in accepted:
            return model(source) if target is None else model(source, self._tensor(target))
        arguments: dict[str, Any] = {"input_ids": source}
        if "attention_mask" in accepted:
            arguments["attention_mask"] = torch.ones_like(source)
        if target is not None:
            arguments["decoder_input_ids"] = self._tensor(target)
        return model(**arguments)

    def _tensor(self, ids: Sequence[int]) -> Tensor:
        device, _ = place_of(self.modules[""])
        return torch.tensor([list(ids)], dtype=torch.long, device=device)

    def _logits(self, output: Any) -> Tensor | None:
        """Scores of one sample, (token, vocab), or None when the output is something else."""
        found = output.get("logits") if isinstance(output, dict) else getattr(output, "logits", output)
        if isinstance(found, tuple | list):
            found = next((each for each in found if isinstance(each, Tensor) and each.ndim == 3), None)
        if not isinstance(found, Tensor) or found.ndim != 3 or found.shape[-1] not in self._vocabularies():
            return None
        return found[0].float()

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
                scores = self._logits(self._run(source, answer))
                if scores is None:
                    break
                best = int(scores[-1].argmax())
                if best == ends:
                    break
                answer.append(best)
        return answer[1:]


def _config(model: nn.Module, name: str) -> Any:
    return getattr(getattr(model, "config", None), name, None)


def _written(text: Text) -> str:
    return text if isinstance(text, str) else " ".join(map(str, text))
