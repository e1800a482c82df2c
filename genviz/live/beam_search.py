"""Beam search on a live model, with every hypothesis kept, and greedy's path beside it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from genviz.analysis.beam_search import Search, with_greedy
from genviz.analysis.beams import Rules, Tree
from genviz.errors import LiveError
from genviz.live.continuing import Continuing
from genviz.live.progress import report
from genviz.live.text_model import Text, TextModel


class Searching(TextModel):
    """Beam search; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = ("beam_search",)
    conditions: ClassVar[dict[str, str]] = {"beam_search": "predicts_next"}

    def beam_search(
        self, prompt: Text | None = None, *, beams: int = 4, max_new: int = 20, length_penalty: float = 1.0,
        early_stopping: bool | str = False, stop: str | Sequence[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Search for the most probable continuation of a text, or answer to it; nothing looked at is lost.

        The rules are those of ``transformers``' ``generate(num_beams=…)``, and so are the results.

        Parameters
        ----------
        prompt : str, or sequence of int, optional
            Default: the first example.
        beams : int
            How many hypotheses go on at each step.
        max_new : int
            Tokens after which all end; fewer where fewer fit into the model's context.
        length_penalty : float
            Power of the length by which log-probabilities are divided when finished sentences are compared.
        early_stopping : {False, True, "never"}
            See :class:`genviz.analysis.beams.Rules`.
        stop : str or sequence of str
            A sentence also ends where one of these has been written, within a token or across several.

        Returns
        -------
        dict
            A :class:`genviz.analysis.beams.Tree` as :meth:`~genviz.analysis.beams.Tree.to_json` writes it,
            and with it ``names`` (of each hypothesis's last token), ``sentences`` (its number → text, of
            those finished and of greedy's end), ``prompt`` (its tokens), ``room`` (how many tokens fit, or
            None).

        Raises
        ------
        LiveError
            When the prompt is empty, a stop is empty, or the model's scores are NaN.
        ControlError
            When a number does not fit, or the prompt is longer than the model's context.
        """
        if prompt is None:
            if not self.text:
                raise LiveError("no text to continue: give a prompt, or pass text= when you make this model")
            prompt = self.text[0]
        source = self.source.encode(prompt)
        ends = self.end_ids()
        rules = Rules(int(beams), int(max_new), float(length_penalty), early_stopping, ends)
        stops = self._stops([stop] if isinstance(stop, str) else list(stop))
        with self.running():
            going = Continuing(self, source.ids)
            if going.room is not None:
                rules = replace(rules, max_new=min(rules.max_new, going.room))
            tree = self._searched(going, Search(rules, stops))
            tree = with_greedy(tree, *self._greedily(source.ids, rules, stops))
        last = {each.node for each in tree.finished} | {tree.greedy[-1]}
        return {
            **tree.to_json(),
            "names": ["", *self.target.tokens(tree.ids[1:].tolist())],
            "sentences": {str(node): self.target.text(tree.spelt(node)) for node in sorted(last)},
            "prompt": source.tokens,
            "room": going.room,
        }

    def _searched(self, going: Continuing, search: Search) -> Tree:
        step = 0
        while search.running:
            report(0.7 * step / search.rules.max_new, f"step {step + 1} of at most {search.rules.max_new}")
            _step(search, going.log_probabilities(search.spelt(), search.rows).cpu().numpy())
            step += 1
        return search.tree()

    def _greedily(
        self, ids: Sequence[int], rules: Rules, stops: Callable[[Sequence[int]], bool]
    ) -> tuple[list[int], list[float]]:
        """Tokens of greedy decoding, and their log-probabilities."""
        going, answer, chances = Continuing(self, ids), list[int](), list[float]()
        while len(answer) < rules.max_new and not (answer and (answer[-1] in rules.ends or stops(answer))):
            report(0.7 + 0.3 * len(answer) / rules.max_new, "greedy decoding beside it")
            scores = going.log_probabilities([answer])[0]
            answer.append(int(scores.argmax()))
            chances.append(float(scores[answer[-1]]))
        return answer, chances

    def _stops(self, stops: Sequence[str]) -> Callable[[Sequence[int]], bool]:
        if not all(stops):
            raise LiveError("an empty stop sequence would end every sentence at once: leave it out")
        return lambda ids: bool(stops) and any(stop in self.target.text(ids) for stop in stops)


def _step(search: Search, scores: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    try:
        search.step(scores)
    except ValueError as error:
        raise LiveError(f"the search cannot go on: {error}") from None
