"""What a language model knows of words and of their places."""

from typing import Any, ClassVar

from genviz.errors import LiveError
from genviz.live.embedding_neighbours import embedding_neighbours
from genviz.live.positions import positions
from genviz.live.text_model import Text, TextModel
from genviz.live.tokenizers import split


class Words(TextModel):
    """Abilities that look words and places up; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = ("tokenizations", "next_tokens", "embedding_neighbours", "positions")
    conditions: ClassVar[dict[str, str]] = {"next_tokens": "predicts_next"}

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
