"""Running a language model one token after the other: with its KV cache where it is Hugging Face's."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genviz.capture.families import chosen
from genviz.capture.modules import Network
from genviz.errors import GenvizError
from genviz.live.stack import no_scores

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

#: Gets the ids so far (sample, token) and the next scores (sample, vocab); gives the next id of each sample,
#: or None when enough is written.
Choose = Callable[[Tensor, Tensor], Sequence[int] | None]


@dataclass(frozen=True)
class Beginning:
    """What is there before the first step.

    Parameters
    ----------
    source : list of int
        Of an encoder–decoder: what its encoder reads.
    written : list of int
        What the next token follows: prompt and answer so far; of an encoder–decoder start mark and answer.
    samples : int
        How many are written side by side.
    """

    source: list[int]
    written: list[int]
    samples: int = 1


def run_steps(live: "TextModel", begin: Beginning, choose: Choose, most: int) -> None:
    """Write token after token.

    What the configuration of a Hugging Face model rules out or forces is kept: ``choose`` gets scores of
    minus infinity there.

    Parameters
    ----------
    live : LanguageModel
    begin : Beginning
    choose : callable
        See :data:`Choose`.
    most : int
        How many tokens at most.

    Raises
    ------
    LiveError
        When the model gives no score per vocabulary entry.
    """
    with live.running():
        if has_own_generate(live):
            _hugging_face(live, begin, choose, most)
        else:
            _whole_each_time(live, begin, choose, most)


def has_own_generate(live: "TextModel") -> bool:
    """Whether the model is one of Hugging Face's that can write, so that its own cache is used."""
    able = getattr(live.modules[""], "can_generate", None)
    return callable(able) and hasattr(live.modules[""], "generation_config") and bool(able())


def context_of(live: "TextModel") -> int | None:
    """How many tokens the model reads at most, as far as it can be told."""
    try:
        network = Network.of(live.modules[""])
        found = chosen(network, live.family).facts(network).get("context")
    except GenvizError:
        return None
    return found if isinstance(found, int) and found > 0 else None


def _whole_each_time(live: "TextModel", begin: Beginning, choose: Choose, most: int) -> None:
    """A model without a cache that we know of reads everything again at each step."""
    written = live._tensor(begin.written, begin.samples)
    for _ in range(most):
        output = (
            live.run_many(begin.source, written, begin.samples)
            if live.two_sided
            else live.run_many(written, None, begin.samples)
        )
        scores = live.scores(output)
        if scores is None:
            raise no_scores(live)
        following = choose(written, scores[:, -1])
        if following is None:
            return
        added = torch.tensor([following], dtype=torch.long, device=written.device).T
        written = torch.cat([written, added], dim=1)


class _Chooses:
    """Stands among the processors of ``generate()``, after the model's own: leaves one word per sample."""

    def __init__(self, choose: Choose) -> None:
        self._choose, self.enough = choose, False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        following = self._choose(input_ids, scores.float())
        self.enough = following is None
        ids = torch.tensor(following or [0] * len(scores), dtype=torch.long, device=scores.device)
        return torch.full_like(scores, float("-inf")).scatter(1, ids[:, None], 0.0)

    def stops(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        """The stopping criterion that goes with it."""
        return torch.full((len(input_ids),), self.enough, dtype=torch.bool, device=input_ids.device)


def _hugging_face(live: "TextModel", begin: Beginning, choose: Choose, most: int) -> None:
    model: Any = live.modules[""]
    chooses = _Chooses(choose)
    written = live._tensor(begin.written, begin.samples)
    source = live._tensor(begin.source, begin.samples) if live.two_sided else written
    model.generate(
        source,
        attention_mask=torch.ones_like(source),
        generation_config=_configuration(model, most),
        logits_processor=[chooses],
        stopping_criteria=[chooses.stops],
        **({"decoder_input_ids": written} if live.two_sided else {}),
    )


def _configuration(model: Any, most: int) -> Any:
    """The model's own rules, without its own taste: what is drawn, and how, is decided in ``choose``."""
    config = copy.deepcopy(model.generation_config)
    plain = {
        "do_sample": False, "num_beams": 1, "num_return_sequences": 1, "use_cache": True,
        "max_new_tokens": most, "max_length": None, "max_time": None, "stop_strings": None,
        "temperature": 1.0, "top_k": 50, "top_p": 1.0, "repetition_penalty": 1.0,
        "return_dict_in_generate": False, "output_scores": False, "output_logits": False,
        "output_attentions": False, "output_hidden_states": False,
    }  # fmt: skip
    for name, value in plain.items():
        setattr(config, name, value)
    if config.pad_token_id is None:
        config.pad_token_id = 0  # what stands where a sample has ended; never looked at
    return config
