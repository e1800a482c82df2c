"""What a language model does inside, asked of it while someone looks."""

from typing import Any, ClassVar

from genviz.errors import LiveError
from genviz.live.head_outputs import head_outputs
from genviz.live.input_attribution import input_attribution
from genviz.live.lens import logit_lens
from genviz.live.logit_attribution import logit_attribution
from genviz.live.neurons import expert_neurons, neuron
from genviz.live.text_model import Text, TextModel


class Explaining(TextModel):
    """Abilities that open a language model up; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = (
        "logit_lens",
        "logit_attribution",
        "input_attribution",
        "neuron",
        "expert_neurons",
        "head_outputs",
    )
    conditions: ClassVar[dict[str, str]] = {
        "logit_lens": "scores_vocabulary",
        "logit_attribution": "scores_vocabulary",
        "input_attribution": "scores_vocabulary",
        "expert_neurons": "mixes_experts",
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
            ``held`` (``site`` and ``function`` of each activation function in the head whose factor
            f(x) / x is held), ``word``, ``name``, ``against``, ``position``, ``words``, ``blocks``.

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
        baseline: str = "auto", tolerance: float = 0.05, target_text: Text | None = None,
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
        tolerance : float
            Points on the way from the baseline are doubled until integrated gradients sum to the change of
            the logit within this share of it, or there are 513.
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``integrated_gradients`` and ``occlusion`` (token,), in logits, over ``words`` (of ``sides``);
            ``gap`` of the former's sum from ``logit`` − ``baseline_logit``, ``steps`` (points on the way) and
            ``moved``, the most that a part changed when they were last doubled; ``kept`` (marks that were not
            replaced), ``baseline``, ``position``, ``word``, ``name``.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        found = None if word in (None, "") else self.word_id(word or 0)
        return input_attribution(
            self, source.ids, target, position=position, word=found, baseline=baseline, tolerance=tolerance
        )

    def neuron(self, site: str, unit: int, expert: int | None = None) -> dict[str, Any]:
        """One neuron of a feed-forward network over all example texts (the first 64).

        Parameters
        ----------
        site : str
            Where neurons were recorded.
        unit : int
        expert : int, optional
            Of a mixture of experts (where ``routing`` was recorded), which; only the tokens that go through
            it are told of.

        Returns
        -------
        dict
            ``words``, a list per text; ``positions`` in it of the tokens that are told of, a list per text;
            ``activations`` (token,) of those, all texts one after the other;
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
        return neuron(self, site, unit, texts, expert=expert)

    def expert_neurons(
        self, text: Text, *, site: str, expert: int, target_text: Text | None = None
    ) -> dict[str, Any]:
        """Activations in one expert of a mixture, of the tokens that go through it.

        Parameters
        ----------
        text : str or sequence of int
        site : str
            Where ``routing`` was recorded.
        expert : int
        target_text : str or sequence of int, optional
            For an encoder–decoder: what the decoder reads. Default: what the model itself answers.

        Returns
        -------
        dict
            ``positions`` of the tokens, ascending, and ``activations`` (token, unit) of those.
        """
        source = self.source.encode(text)
        target = self._target(source, target_text).ids if self.two_sided else None
        return expert_neurons(self, site, expert, source.ids, target)

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
