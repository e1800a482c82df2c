"""One text continued in several ways, token by token, with the model's KV cache where it has one."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from genviz.errors import ControlError
from genviz.live.stack import no_scores
from genviz.live.stepping import context_of

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

#: Whether a model's cache gives what the model gives without it; tried out once.
_TRUSTED: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


class Continuing:
    """Scores of what comes next, for several continuations of one text.

    With a KV cache (Hugging Face) only the newest tokens are run; the first time, one of them is also run
    without it, and a model that then says something else is run as a whole from there on, as is one without.
    Use it inside ``live.running()``.

    Parameters
    ----------
    live : TextModel
    ids : sequence of int
        What is continued; of an encoder–decoder, what is answered.

    Raises
    ------
    ControlError
        When the text does not fit into the model's context.
    """

    def __init__(self, live: "TextModel", ids: Sequence[int]) -> None:
        self._live, self._model = live, live.modules[""]
        self._ids = list(ids)
        self._start = live._start() if live.two_sided else []
        self.room = self._room()  #: tokens that fit, or None where the model does not say
        self._accepted = inspect.signature(self._model.forward).parameters
        self._cache: Any = None
        self._context: Any = None  # what the encoder made of the ids

    def scores(self, answers: Sequence[Sequence[int]], rows: Sequence[int] = (0,)) -> Tensor:
        """Logits of each next token, (answer, vocab).

        Parameters
        ----------
        answers : sequence of sequence of int
            What each continuation has so far; all of one length, one token longer than at the last call.
        rows : sequence of int
            Which one of the last call each of them continues.
        """
        if self._cache is not None and answers[0]:
            found = self._next(answers, rows)
        elif not answers[0] and self._has_cache():
            found = self._first(len(answers))
        else:
            found = self._whole(answers)
        return found

    def log_probabilities(self, answers: Sequence[Sequence[int]], rows: Sequence[int] = (0,)) -> Tensor:
        """Log-probabilities of each next token, (answer, vocab), in float64."""
        return self.scores(answers, rows).double().log_softmax(dim=-1)

    def _room(self) -> int | None:
        context = context_of(self._live)
        if context is None:
            return None
        used = max(len(self._start), len(self._ids))
        if used > context:
            raise ControlError(
                f"the text has {used} tokens, and this model reads {context}: shorten it by {used - context}"
            )
        return context - len(self._start or self._ids) + 1  # the last one is written, but not read again

    def _whole(self, answers: Sequence[Sequence[int]]) -> Tensor:
        """Without a cache: everything is run again."""
        if self._live.two_sided:
            written = [[*self._start, *answer] for answer in answers]
            return self._last(self._live.run_many(self._ids, written, len(answers)))
        return self._last(self._live.run_many([[*self._ids, *answer] for answer in answers], None, 1))

    def _last(self, output: Any) -> Tensor:
        found = self._live.scores(output)
        if found is None:
            raise no_scores(self._live)
        return found[:, -1]

    # -- with a cache ------------------------------------------------------------------------------

    def _has_cache(self) -> bool:
        takes = {"input_ids", "past_key_values", "use_cache"} <= set(self._accepted)
        encodes = not self._live.two_sided or hasattr(self._model, "get_encoder")
        return takes and encodes and _TRUSTED.get(self._model, True)

    def _first(self, count: int) -> Tensor:
        if self._live.two_sided:
            source = self._live._tensor(self._ids, 1)
            encoder: Any = self._model.get_encoder()  # type: ignore[operator]
            self._context = encoder(input_ids=source, attention_mask=torch.ones_like(source))
            output = self._run(self._live._tensor(self._start, 1))
        else:
            output = self._run(self._live._tensor(self._ids, 1))
        cache = getattr(output, "past_key_values", None)
        self._cache = cache if hasattr(cache, "reorder_cache") else None
        return self._last(output).expand(count, -1)

    def _next(self, answers: Sequence[Sequence[int]], rows: Sequence[int]) -> Tensor:
        newest = self._live._tensor([[answer[-1]] for answer in answers], 1)
        self._cache.reorder_cache(torch.as_tensor(rows, device=newest.device))
        output = self._run(newest, self._cache, len(self._start or self._ids) + len(answers[0]))
        found = self._last(output)
        if self._model not in _TRUSTED:
            alone = self._whole(answers[:1])
            _TRUSTED[self._model] = torch.allclose(found[:1], alone, rtol=1e-2, atol=1e-2)
        if not _TRUSTED[self._model]:
            self._cache = None
            return self._whole(answers)
        return found

    def _run(self, ids: Tensor, cache: Any = None, length: int | None = None) -> Any:
        arguments: dict[str, Any] = {"use_cache": True, "past_key_values": cache}
        length = ids.shape[1] if length is None else length
        mask = torch.ones(len(ids), length, dtype=torch.long, device=ids.device)
        if self._live.two_sided:
            hidden = self._context.last_hidden_state.expand(len(ids), -1, -1)
            arguments["encoder_outputs"] = type(self._context)(last_hidden_state=hidden)
            arguments["decoder_input_ids"] = ids
            mask = torch.ones(len(ids), len(self._ids), dtype=torch.long, device=ids.device)
        else:
            arguments["input_ids"] = ids
        if "attention_mask" in self._accepted:
            arguments["attention_mask"] = mask
        return self._model(**arguments)
