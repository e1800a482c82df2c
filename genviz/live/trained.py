"""What training made of a language model: along the way, of masked words, of a task, of the weights."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor

from genviz.errors import LiveError
from genviz.live.answering import answers
from genviz.live.base import structure, to_array
from genviz.live.masking import masked_words
from genviz.live.text_model import Text, TextModel, _config
from genviz.live.throughput import throughput
from genviz.live.training import at_step, training
from genviz.recording import Recording

MOST_BYTES = 512 << 20  # of weights that are handed out in one answer


class Trained(TextModel):
    """Abilities that look at a training; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = (
        "training", "masked_words", "answers", "weight_shapes", "weights", "throughput",
    )  # fmt: skip
    conditions: ClassVar[dict[str, str]] = {
        "training": "has_checkpoints",
        "masked_words": "fills_in",
        "answers": "goes_on",
    }

    @property
    def has_checkpoints(self) -> bool:
        """Whether several steps of its training are known."""
        return len(self.checkpoints.steps) > 1

    @property
    def goes_on(self) -> bool:
        """Whether it is a decoder that goes on with a text."""
        return not self.two_sided and self.predicts_next

    @property
    def fills_in(self) -> bool:
        """Whether it scores words from both sides, and there is a token that hides one."""
        return (
            not self.two_sided and self.mask_id is not None and self.scores_words and not self.predicts_next
        )

    @property
    def mask_id(self) -> int | None:
        """Id of the token that hides a word, or None."""
        return self.source.special("mask")

    @property
    def end_id(self) -> int | None:
        """Id of the token that ends a text, or None."""
        found = self.target.special("eos")
        told = _config(self.modules[""], "eos_token_id") if found is None else found
        return told if isinstance(told, int) else None

    @cached_property
    def context(self) -> int | None:
        """How many tokens it takes, as far as it tells."""
        found = structure(self.modules, self.family)["facts"].get("context")
        return int(found) if found else None

    def begin(self) -> list[int]:
        """What a decoder beside an encoder begins with."""
        return self._start()

    def training(
        self, text: Text | None = None, *, prompt: Text | None = None, count: int = 14, seed: int = 0
    ) -> Recording:
        """Look at every checkpoint: embeddings, attention, what it writes, its loss on the example texts.

        Parameters
        ----------
        text : str or sequence of int, optional
            Whose attention is followed (the first 16 tokens); default: the first example.
        prompt : str or sequence of int, optional
            What is continued; default: the first two tokens of ``text``.
        count : int
            At most so many tokens are written.
        seed : int
            Of the texts that are drawn.

        Returns
        -------
        Recording
            With a ``step`` for every entry: kind ``embedding`` (vocab, channel) of the tokens
            ``info["training"]["names"]``, and ``attention`` of every layer. ``info["training"]`` has
            ``steps``, ``prompt``, ``samples`` (per step the greedy text, then drawn ones), ``measured``
            (nats) and ``history``. Saved, it is shown without the model.
        """
        if not self.has_checkpoints:
            raise LiveError("no checkpoints to look at: pass checkpoints= when you make this model")
        if text is None and not self.text:
            raise LiveError("no text to look at: give one, or pass text= when you make this model")
        ids = self.source.encode(self.text[0] if text is None else text).ids
        return training(
            self, ids, ids[:2] if prompt in (None, "") else self.source.encode(prompt or "").ids,
            count=count, seed=seed,
        )  # fmt: skip

    def masked_words(self, text: Text, *, positions: Sequence[int] = (), top: int = 5) -> dict[str, Any]:
        """Hide words of a text, and ask which ones stand there.

        Parameters
        ----------
        text : str or sequence of int
            Masks that it holds are asked for, too.
        positions : sequence of int
            Tokens that are hidden, all at once.
        top : int
            Candidates for each.

        Returns
        -------
        dict
            ``positions`` asked for, and for each ``candidates`` with their ``probabilities``
            (position, rank), the probability ``true`` and ``ranks`` of what stands there, and whether that
            was ``hidden``; ``alone`` (token,), the probability of each token when it alone is hidden (NaN
            for ``marks``); ``tokens``, ``mask``.
        """
        return masked_words(self, self.source.encode(text).ids, list(positions), top=top)

    def answers(self, prompts: Sequence[Text], *, count: int = 24) -> list[dict[str, Any]]:
        """Go on after each prompt with the likeliest token, until the model ends the text.

        Parameters
        ----------
        prompts : sequence of str or of ids
        count : int
            At most so many tokens.

        Returns
        -------
        list of dict
            ``text``; ``tokens`` with their ``probabilities``; ``ended``, whether the model wrote its end.
        """
        return answers(self, prompts, count)

    def weight_shapes(self, *, step: int | None = None) -> dict[str, list[int]]:
        """Name and shape of every parameter, of the model or of a checkpoint."""
        return {name: list(value.shape) for name, value in self._parameters(step).items()}

    def weights(self, names: Sequence[str], *, step: int | None = None) -> dict[str, Any]:
        """Parameters by name, of the model or of a checkpoint, as float32."""
        held = self._parameters(step)
        if unknown := [name for name in names if name not in held]:
            raise LiveError(f"no weights {unknown[0]!r}: there are {', '.join(list(held)[:8])} …")
        size = sum(held[name].numel() * 4 for name in names)
        if size > MOST_BYTES:
            raise LiveError(f"{size >> 20:,} MiB of weights are too many at once: ask for fewer names")
        return {name: to_array(held[name]) for name in names}

    def throughput(self) -> dict[str, Any]:
        """How fast matrices are multiplied where this model is, measured once in a quarter of a second.

        See :func:`genviz.live.throughput.throughput`.
        """
        return self._throughput

    @cached_property
    def _throughput(self) -> dict[str, Any]:
        return throughput(self.modules[""])

    def _parameters(self, step: int | None) -> Mapping[str, Tensor]:
        model = self if step is None else at_step(self, step)
        return dict(model.modules[""].named_parameters())
