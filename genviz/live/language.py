"""A live language model: decoder, encoder, or encoder–decoder."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genviz.errors import LiveError
from genviz.live.base import LiveModel, place_of
from genviz.live.embedding_neighbours import embedding_neighbours
from genviz.live.head_outputs import head_outputs
from genviz.live.input_attribution import baselines, input_attribution
from genviz.live.lens import logit_lens, read_translators
from genviz.live.logit_attribution import logit_attribution
from genviz.live.neurons import neuron
from genviz.live.positions import positions
from genviz.live.progress import report
from genviz.live.stack import Layout
from genviz.live.tokenizers import named, split
from genviz.live.tokenizing import Tokenised, Tokenizing
from genviz.recording import Recording

Text = str | Sequence[int]
_LONGEST = 64
_OF_WORDS = ("logit_lens", "logit_attribution", "input_attribution")


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
    tuned_lens : path, optional
        Affine maps for :meth:`logit_lens`: see :func:`genviz.live.lens.read_translators`.
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
    offers = ("record", "tokenize", "tokenizations", "next_tokens", "logit_lens", "logit_attribution",
              "input_attribution", "neuron", "head_outputs", "embedding_neighbours",
              "positions")  # fmt: skip

    def __init__(
        self, model: nn.Module, tokenizer: Any = None, *, text: str | Sequence[Text] = (),
        target_tokenizer: Any = None, target_text: str | Sequence[Text] = (),
        tokenizers: Mapping[str, Any] | Sequence[Any] = (), tuned_lens: str | Path | None = None,
        title: str = "", about: str = "",
    ) -> None:  # fmt: skip
        super().__init__({"": model}, title=title, about=about)
        self.others = named(tokenizers)
        self.source = Tokenizing(tokenizer)
        self.target = Tokenizing(tokenizer if target_tokenizer is None else target_tokenizer)
        self.two_sided = target_tokenizer is not None or _config(model, "is_encoder_decoder") is True
        self.text: tuple[Text, ...] = (text,) if isinstance(text, str) else tuple(text)
        self.target_text = (target_text,) if isinstance(target_text, str) else tuple(target_text)
        self.translators = {} if tuned_lens is None else read_translators(tuned_lens)

    @property
    def abilities(self) -> tuple[str, ...]:
        """What this model can do: a next token needs one that predicts it, a lens one that scores words."""
        able = {"next_tokens": self.predicts_next, **dict.fromkeys(_OF_WORDS, self.scores_vocabulary)}
        return tuple(name for name in self.offers if able.get(name, True))

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
        specials = list(dict.fromkeys([*self.source.specials, *self.target.specials]))
        own = {"text": [_written(text)], "provenance": provenance, "special_tokens": specials}
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
            scores = self.one_sample(self._run(source.ids, target))
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

    def logit_lens(
        self, text: Text, *, word: int | str | None = None, top: int = 5, tuned: bool = False,
        target_text: Text | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What the model would say if it stopped after each layer (logit lens, or tuned lens).

        Parameters
        ----------
        text : str or sequence of int
        word : int or str, optional
            A word (or id) whose probability and rank are wanted; without it, at each position the one that
            the model says.
        top : int
            How many of the likeliest words at each place.
        tuned : bool
            Through the affine maps of ``tuned_lens``.
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``ids`` and ``probabilities`` (layer, token, rank); ``chosen_probabilities``, ``ranks`` (1 is the
            likeliest) and ``entropy`` in bits (layer, token); ``layers``, ``words``, ``chosen`` ids,
            ``names`` of ids, ``route`` (what the states went through), ``error`` (of the last layer from the
            model's own logits), ``tuned``.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        wanted = None if word is None or word == "" else self.word_id(word)
        return logit_lens(self, source.ids, target, word=wanted, top=top, tuned=tuned)

    def logit_attribution(
        self, text: Text, *, position: int | None = None, word: int | str | None = None,
        against: int | str | None = None, target_text: Text | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Which parts of the model say a word: its logit as a sum (direct logit attribution).

        Parameters
        ----------
        text : str or sequence of int
        position : int, optional
            Where the word is predicted; default: at the last token.
        word : int or str, optional
            Default: the word that the model says there.
        against : int or str, optional
            The sum is then of the difference of two words' logits.
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``parts``: one dict per addition to the stream with ``kind`` (embedding, attention,
            cross_attention, feed_forward), ``site``, ``layer`` (place in ``blocks``), ``value`` and
            ``heads`` (head,) or None; ``bias``, ``logit``, ``gap`` (what the sum misses), ``model_logit``,
            ``probability``, ``capped`` (the sum is of the output layer's own score, before soft-capping),
            ``word``, ``name``, ``against``, ``position``, ``words``, ``blocks``.

        Raises
        ------
        LiveError
            When the logit is not such a sum.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        found, other = (None if each in (None, "") else self.word_id(each or 0) for each in (word, against))
        return logit_attribution(self, source.ids, target, position=position, word=found, against=other)

    def input_attribution(
        self, text: Text, *, position: int | None = None, word: int | str | None = None,
        baseline: str = "auto", target_text: Text | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What a predicted word rests on: integrated gradients and occlusion over the words that went in.

        Parameters
        ----------
        text : str or sequence of int
        position : int, optional
            Where the word is predicted; default: at the last token.
        word : int or str, optional
            Default: the word that the model says there.
        baseline : {"auto", "mask", "unk", "pad", "mean", "zero"}
            What stands for a word of which nothing is known: a token that means that, the mean of the
            vocabulary's vectors, or zeros; ``"auto"`` takes the first that there is.
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``integrated_gradients`` (None without Captum; ``missing`` says what to install) and ``occlusion``
            (token,), in logits, over ``words`` (of ``sides``); ``gap`` of the former's sum from ``logit`` −
            ``baseline_logit``, with ``steps``; ``kept`` (marks that were not replaced), ``baseline``,
            ``position``, ``word``, ``name``.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        found = None if word in (None, "") else self.word_id(word or 0)
        return input_attribution(self, source.ids, target, position=position, word=found, baseline=baseline)

    def neuron(self, site: str, unit: int) -> dict[str, Any]:
        """One neuron of a feed-forward network over all example texts (the first 64).

        Parameters
        ----------
        site : str
            Where neurons were recorded.
        unit : int

        Returns
        -------
        dict
            ``words``, a list per text; ``activations`` (token,) of all texts one after the other;
            ``before`` the activation function, or None where that was not seen; ``function``, its name,
            found by trying out which one gives these numbers (empty: none of those that are known);
            ``gated``; ``left_out``, how many texts were not run.
        """
        texts = []
        for at, text in enumerate(self.text):
            source = self.source.encode(text)
            written = self.target_text[at] if at < len(self.target_text) else None
            texts.append((source.ids, self._target(source, written).ids if self.two_sided else None))
        if not texts:
            raise LiveError("no example texts to look through: pass text= when you make this model")
        return neuron(self, site, unit, texts)

    def head_outputs(self, text: Text, *, target_text: Text | None = None) -> dict[str, Any]:
        """How much each head adds to the stream, and each token through it (by the out-projection W_O).

        Parameters
        ----------
        text : str or sequence of int
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``sites``: by site, one dict per run of it with ``call``, ``projection`` (its path),
            ``value_norms`` ‖v_k W_O^h‖ (head, key), ``output_norms`` of what each head adds (head, query),
            and ``error`` (by how much the heads and the bias miss what attention gives, at most); or with
            ``reason``, why that cannot be told.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        return head_outputs(self, source.ids, target)

    def embedding_neighbours(self, text: Text, *, position: int = 0, count: int = 12) -> dict[str, Any]:
        """Which tokens of the vocabulary have an embedding like that of one token, by cosine.

        Parameters
        ----------
        text : str or sequence of int
        position : int
            Of the token in the text.
        count : int

        Returns
        -------
        dict
            ``ids``, ``names`` and ``cosines``, nearest first, without the token itself; its ``id``, ``name``,
            ``position`` and ``norm``; ``typical``, the mean cosine with all others; ``table`` (its path),
            ``rows``, ``width``.
        """
        return embedding_neighbours(self, self.source.encode(text).ids, position, count)

    def positions(self, length: int = 64) -> dict[str, Any]:
        """How the model knows the order of its tokens, found by running it on one token again and again.

        Parameters
        ----------
        length : int
            Tokens of that run; fewer where the model takes fewer.

        Returns
        -------
        dict
            ``parts``: one dict per way with ``form`` (learned, sinusoidal, rotary, alibi, relative),
            ``site``, ``side`` (tokens, target_tokens), ``layers`` that do it, and ``table`` (token, channel),
            or ``frequencies`` (pair,) in radians per position, or ``distances`` (key − query) with ``bias``
            (head, distance) and for ALiBi ``slopes`` (head,); ``notes``, what else was found; ``length``;
            ``tokens``, those it was run on.
        """
        return positions(self, length)

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

    def defaults(self) -> dict[str, Any]:
        """Example texts, and whether a target text can be given."""
        targets = [_written(each) for each in self.target_text]
        return {
            "text": [_written(each) for each in self.text],
            "target_text": targets,
            "two_sided": self.two_sided,
            "tuned_lens": bool(self.translators),
            "baselines": baselines(self),
        }

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
        device, _ = place_of(self.modules[""])
        found = torch.as_tensor(ids, dtype=torch.long, device=device)
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
    return getattr(getattr(model, "config", None), name, None)


def _written(text: Text) -> str:
    return text if isinstance(text, str) else " ".join(map(str, text))
