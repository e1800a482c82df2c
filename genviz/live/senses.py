"""What a language model makes of one word in several texts."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from genviz.errors import LiveError
from genviz.live.stack import Layout
from genviz.live.text_model import Text, TextModel
from genviz.live.word_heads import word_heads
from genviz.live.word_vectors import word_vectors


class Senses(TextModel):
    """Abilities that set a word's senses apart; a part of :class:`genviz.live.language.LanguageModel`."""

    offers: ClassVar[tuple[str, ...]] = ("word_vectors", "word_heads")
    conditions: ClassVar[dict[str, str]] = {"word_vectors": "has_blocks", "word_heads": "has_blocks"}

    @cached_property
    def has_blocks(self) -> bool:
        """Whether the model has blocks with attention to look into."""
        try:
            return bool(Layout.of(self).blocks)
        except LiveError:
            return False

    def word_vectors(self, texts: Sequence[Text], word: str, *, every: bool = False) -> dict[str, Any]:
        """One word's vector in several texts, before the first block and behind each.

        Parameters
        ----------
        texts : sequence of str (or of ids)
            Of an encoder–decoder, what the encoder reads.
        word : str
            Case and tokenizers' marks do not count; of several tokens, their vectors are averaged.
        every : bool
            All occurrences in each text; otherwise the first one.

        Returns
        -------
        dict
            ``vectors`` (occurrence, layer, channel), the ``text`` and the token positions (``places``) of
            each occurrence; ``layers``: ``embedding`` (the token's own row, where it is as wide as the
            stream),
            ``input`` of the first block (with what positions add, where that differs), then the blocks;
            ``centre`` (layer, channel), the mean over all ``counted`` tokens of these texts that stand for
            text, and ``typical`` (layer,), the mean cosine of two of them; ``tokens``, a list per text;
            ``left_out``, how many occurrences are not among these; ``sees_after``, whether what stands behind
            the word changes its vector (None: nothing stands there).

        Raises
        ------
        LiveError
            When a text is empty, too long, or does not hold the word: says which, and which words it has.
        """
        return word_vectors(self, texts, word, every=every)

    def word_heads(
        self, texts: Sequence[Text], word: str, *, which: Sequence[int] = (0, 0), behind: str = "last"
    ) -> dict[str, Any]:
        """Which heads part a word's vectors in two texts: their difference as a sum.

        Parameters
        ----------
        texts : sequence of str (or of ids)
            Two.
        word : str
        which : (int, int)
            Which occurrence of the word in each text, from 0.
        behind : {"last", "own"}
            The difference behind the last block, as a sum of all parts; or, for the parts of each block, the
            difference behind that block.

        Returns
        -------
        dict
            ``length`` of the difference behind the last block, and ``lengths`` (block,) of the one that each
            block's parts are measured along; ``parts``: one dict per addition to the stream with ``kind``,
            ``site``, ``layer`` (place in ``layers``), ``value`` and ``heads`` (head,) or None, along the
            difference, so that they sum with ``bias`` to ``length`` but for ``gap``; behind their own block
            without what came before (``bias`` is NaN). No parts where the vectors are equal. ``looks``: per
            text, site → weights (run, head, key) of the word; ``tokens`` and ``places``, per text.

        Raises
        ------
        LiveError
            As :meth:`word_vectors`, and when the difference is not such a sum.
        """
        return word_heads(self, texts, word, which, behind)
