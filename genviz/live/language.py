"""A live language model: decoder, encoder, or encoder–decoder."""

from typing import Any, ClassVar

from genviz.live.baselines import baselines
from genviz.live.beam_search import Searching
from genviz.live.explaining import Explaining
from genviz.live.generating import Generating
from genviz.live.senses import Senses
from genviz.live.text_model import written
from genviz.live.trained import Trained
from genviz.live.words import Words


class LanguageModel(Words, Senses, Explaining, Generating, Searching, Trained):
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
    prompts : sequence of str, optional
        Beginnings that the model shows well how it goes on from.
    stop : sequence of str, optional
        Texts at which an answer may be taken to end, such as a full stop.
    **known
        ``title``, ``about``; ``checkpoints`` from along its training and ``history`` of the loss, see
        :func:`genviz.live.training_run.training_run`; ``exercises``, pairs of a prompt and the answer that is
        right, which the model was not trained on.

    Examples
    --------
    >>> from torch import nn
    >>> live = LanguageModel(nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)), text="1 2 3")
    >>> live.tokenize("4 5")
    {'ids': [4, 5], 'tokens': ['4', '5']}
    >>> len(live.next_tokens("1 2", count=3)["probabilities"])
    3
    """

    offers: ClassVar[tuple[str, ...]] = (
        "record", "tokenize", *Words.offers, *Senses.offers, *Explaining.offers, *Generating.offers,
        *Searching.offers, *Trained.offers,
    )  # fmt: skip
    conditions: ClassVar[dict[str, str]] = {
        **Words.conditions, **Senses.conditions, **Explaining.conditions, **Generating.conditions,
        **Searching.conditions, **Trained.conditions,
    }  # fmt: skip

    def defaults(self) -> dict[str, Any]:
        """Example texts, and whether a target text can be given."""
        targets = [written(each) for each in self.target_text]
        return {
            "text": [written(each) for each in self.text],
            "target_text": targets,
            "two_sided": self.two_sided,
            "tuned_lens": bool(self.translators),
            "baselines": baselines(self),
            "prompts": list(self.prompts),
            "stop": list(self.stop),
            "exercises": [list(pair) for pair in self.exercises],
            "steps": self.checkpoints.steps,
        }
