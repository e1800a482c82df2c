"""A training looked back on: what each checkpoint writes, where it puts words, whom its heads look at."""

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from genviz.live.answering import continued, spelled
from genviz.live.base import to_array
from genviz.live.embedding_neighbours import token_table
from genviz.live.progress import report
from genviz.recording import Recording

if TYPE_CHECKING:
    from genviz.live.trained import Trained

MOST_ROWS = 256  # tokens whose embedding is followed
MOST_TOKENS = 16  # tokens of the text whose attention is followed
MOST_TEXTS = 16  # example texts that the loss is measured on
DRAWN = 2  # texts drawn at temperature 1, beside the greedy one

Ids = Sequence[int]


def training(live: "Trained", ids: Ids, prompt: Ids, *, count: int, seed: int) -> Recording:
    """See :meth:`genviz.live.trained.Trained.training`."""
    shown, steps = _followed(live), live.checkpoints.steps
    found = Recording(info=dict(live.describe()))
    run: dict[str, Any] = {
        "steps": steps, "names": live.source.tokens(shown), "prompt": spelled(live, prompt),
        "samples": [], "measured": [], "history": live.history,
    }  # fmt: skip
    for call, step in enumerate(steps):
        report(call / len(steps), f"looking at step {step:,}")
        past = at_step(live, step)
        path, table = token_table(past)
        rows = table.weight.detach()[torch.as_tensor(shown, device=table.weight.device)]
        found.add(path, "embedding", to_array(rows), axes=("vocab", "channel"), step=step)
        for site, weights in _attention(past, ids[:MOST_TOKENS]):
            found.add(site, "attention", weights, call=call, step=step)
        if live.predicts_next and not live.two_sided:
            rows_of_ids, _ = continued(past, [list(prompt)] * (1 + DRAWN), count, seed=seed)
            run["samples"].append([spelled(past, row) for row in rows_of_ids])
            run["measured"].append(_loss(past))
    found.info.update(tokens=[live.source.tokens(ids[:MOST_TOKENS])], training=run)
    return found


def at_step(live: "Trained", step: int) -> "Trained":
    """The live model as it was at the checkpoint nearest to a step."""
    past = copy.copy(live)
    past.modules = live.checkpoints.at(step)[1]
    return past


def _followed(live: "Trained") -> list[int]:
    """Ids whose embedding is followed: all of a small vocabulary, else those of the example texts."""
    _, table = token_table(live)
    used = dict.fromkeys(each for text in live.text for each in live.source.encode(text).ids)
    if table.num_embeddings <= MOST_ROWS or not used:
        return list(range(min(table.num_embeddings, MOST_ROWS)))
    return list(used)[:MOST_ROWS]


def _attention(past: "Trained", ids: Ids) -> Iterator[tuple[str, Any]]:
    """Weights (sample, head, query, key) of every site with softmax attention of the text with itself."""
    from genviz.capture import part_by_part, record

    module = past.modules[""]
    watching = record(module, family=past.family, kinds=("attention",))
    with past.running(), part_by_part(module), watching as seen:
        past.run_many(ids, past.begin() if past.two_sided else None, 1)
    for site in seen.sites(kind="attention"):
        weights = seen.attention(site).values
        if weights.shape[-2:] == (len(ids), len(ids)):
            yield site, weights[None].astype("float32")


def _loss(past: "Trained") -> float:
    """Mean cross-entropy in nats of the next token, over the example texts."""
    total, count = 0.0, 0
    with past.running():
        for text in past.text[:MOST_TEXTS]:
            ids = torch.as_tensor(past.source.encode(text).ids)
            scores = past.one_sample(past.run_many(ids.tolist(), None, 1)) if len(ids) > 1 else None
            if scores is not None:
                total += float(F.cross_entropy(scores[:-1].cpu(), ids[1:], reduction="sum"))
                count += len(ids) - 1
    return total / count if count else float("nan")
