"""Which tokens of the vocabulary have embeddings that point the same way; the table itself stays here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from genviz.errors import LiveError
from genviz.live.stack import Layout, side_of

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_SIDES = (None, "tokens")


def embedding_neighbours(live: "TextModel", ids: Sequence[int], position: int, count: int) -> dict[str, Any]:
    """See :meth:`genviz.live.language.LanguageModel.embedding_neighbours`."""
    if not 0 <= position < len(ids):
        raise LiveError(
            f"position {position} does not fit: the text has {len(ids)} tokens, 0 … {len(ids) - 1}"
        )
    path, table = token_table(live)
    number, rows = ids[position], table.num_embeddings
    if not 0 <= number < rows:
        raise LiveError(f"the token {number} has no row in {path!r}, which has {rows}")
    with torch.no_grad():
        cosines, norm = _cosines(table.weight, number)
        known = torch.isfinite(cosines)
        known[number] = False
        ranked = torch.where(known, cosines, -torch.inf)
        near = ranked.topk(min(max(1, int(count)), int(known.sum()))).indices
        typical = float(cosines[known].double().mean()) if known.any() else float("nan")
    found = near.tolist()
    return {
        "table": path, "rows": rows, "width": table.embedding_dim, "id": number, "norm": norm,
        "name": live.source.tokens([number])[0], "position": position, "ids": found,
        "names": live.source.tokens(found), "cosines": cosines[near].cpu().numpy(), "typical": typical,
    }  # fmt: skip


def token_table(live: "TextModel") -> tuple[str, nn.Embedding]:
    """The embedding that tokens of the text go through first, and its path.

    Raises
    ------
    LiveError
        When none was found.
    """
    layout = Layout.of(live)
    path = table_of(layout)
    if path is None:
        raise LiveError("no table of token embeddings was found: the model needs an nn.Embedding of the ids")
    module = layout.network[path]
    assert isinstance(module, nn.Embedding)
    return path, module


def table_of(layout: Layout) -> str | None:
    """Path of the embedding that tokens of the text go through first; None where none was found."""
    modules = layout.network.modules
    for tap in layout.plan.taps:
        known = tap.kind == "embedding" and side_of(tap) in _SIDES
        if known and isinstance(modules.get(tap.path), nn.Embedding):
            return tap.path
    return None


def _cosines(weight: Tensor, number: int) -> tuple[Tensor, float]:
    """Cosine of one row with every row (NaN for rows without a direction), and that row's length."""
    wide = weight.float()
    lengths = torch.linalg.vector_norm(wide, dim=1)
    norm = float(lengths[number])
    if not norm > 0 or not torch.isfinite(lengths[number]):
        raise LiveError(f"the embedding of token {number} has length {norm:g}, so it points nowhere")
    return (wide @ (wide[number] / norm) / lengths.masked_fill(lengths == 0, torch.nan)).clamp(-1, 1), norm
