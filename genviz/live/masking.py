"""Which words a model puts in the place of those that are masked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.base import to_array

if TYPE_CHECKING:
    from genviz.live.trained import Trained

Ids = Sequence[int]


def masked_words(live: "Trained", ids: Ids, positions: Sequence[int], *, top: int) -> dict[str, Any]:
    """See :meth:`genviz.live.trained.Trained.masked_words`."""
    mask = live.mask_id
    if mask is None:
        raise LiveError(f"{live.title!r} has no mask: its tokenizer needs mask_id or mask_token_id")
    if wrong := [place for place in positions if not 0 <= place < len(ids)]:
        raise LiveError(f"no token {wrong[0]} to mask: the text has {len(ids)} tokens, 0 … {len(ids) - 1}")
    together = [mask if place in positions else number for place, number in enumerate(ids)]
    asked = [place for place, number in enumerate(together) if number == mask]
    kept = marks(live, ids)
    alone = [[mask if at == place else number for at, number in enumerate(ids)] for place in range(len(ids))]
    each, joint = _chances(live, alone), _chances(live, [together])[0][asked]
    places = torch.arange(len(ids))
    known = each[places, places, torch.as_tensor(ids)]
    known[[at for at, mark in enumerate(kept) if mark]] = torch.nan
    best = joint.topk(min(max(1, top), joint.shape[-1]))
    true = joint.gather(1, torch.as_tensor([ids[place] for place in asked], dtype=torch.long)[:, None])
    return {
        "tokens": live.source.tokens(ids), "mask": live.source.tokens([mask])[0], "marks": kept,
        "positions": asked, "hidden": [ids[place] != mask for place in asked], "alone": to_array(known),
        "candidates": [live.source.tokens(row) for row in best.indices.tolist()],
        "probabilities": to_array(best.values), "true": to_array(true[:, 0]),
        "ranks": to_array(1 + (joint > true).sum(-1)),
    }  # fmt: skip


def marks(live: "Trained", ids: Ids) -> list[bool]:
    """Which tokens stand for no text: nobody would hide them."""
    special = set(live.source.specials)
    return [token in special for token in live.source.tokens(ids)]


def _chances(live: "Trained", rows: Sequence[Ids]) -> Tensor:
    """Probabilities (text, token, vocab) of texts of one length, in float64 on the CPU."""
    with live.running():
        scores = live.scores(live.run_many(rows, None, 1))
    if scores is None:
        raise LiveError(f"{type(live.modules['']).__name__} gives no score per vocabulary entry")
    return scores.cpu().double().softmax(-1)
