"""How a causal language model goes on after a prompt, many prompts at a time."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.progress import report

if TYPE_CHECKING:
    from genviz.live.text_model import Text
    from genviz.live.trained import Trained

Ids = Sequence[int]


def answers(live: "Trained", prompts: Sequence["Text"], count: int) -> list[dict[str, Any]]:
    """See :meth:`genviz.live.trained.Trained.answers`."""
    end, same = live.end_id, defaultdict(list)
    for number, prompt in enumerate(prompts):
        ids = live.source.encode(prompt).ids
        ids = ids[:-1] if len(ids) > 1 and ids[-1] == end else ids  # a mark that the tokenizer puts there
        same[len(ids)].append((number, ids))
    told: dict[int, dict[str, Any]] = {}
    for done, group in enumerate(same.values()):
        report(done / len(same), "answering")
        rows, chances = continued(live, [ids for _, ids in group], count)
        for (number, _), row, likely in zip(group, rows, chances, strict=True):
            ended = bool(row) and row[-1] == end
            told[number] = {
                "text": spelled(live, row[:-1] if ended else row), "tokens": live.target.tokens(row),
                "probabilities": likely, "ended": ended,
            }  # fmt: skip
    return [told[number] for number in range(len(prompts))]


def continued(
    live: "Trained", prompts: Sequence[Ids], count: int, *, seed: int | None = None
) -> tuple[list[list[int]], list[list[float]]]:
    """Continue prompts of one length, up to the end that the model writes or that the context sets.

    Parameters
    ----------
    live : live model
    prompts : sequence of ids
    count : int
        At most so many tokens.
    seed : int, optional
        Every prompt but the first is then continued by drawing at temperature 1; without it all take the
        likeliest token.

    Returns
    -------
    rows, chances : lists of lists
        Ids written, an end included, and the probability that the model gave each.
    """
    draw = torch.Generator().manual_seed(0 if seed is None else seed)
    end, width = live.end_id, len(prompts[0])
    room = count if live.context is None else min(count, live.context - width)
    if room < 1:
        raise LiveError(
            f"a prompt of {width} tokens leaves no room to go on: the model takes {live.context}; shorten it"
        )
    ids, chances = torch.as_tensor(prompts), []
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    with live.running():
        for _ in range(room):
            scores = _next_scores(live, ids)
            chosen = scores.argmax(-1)
            if seed is not None:
                chosen[1:] = torch.multinomial(scores[1:].softmax(-1), 1, generator=draw)[:, 0]
            chances.append(scores.softmax(-1).gather(1, chosen[:, None])[:, 0])
            ids = torch.cat([ids, chosen[:, None]], dim=1)
            ended |= chosen == (-1 if end is None else end)
            if bool(ended.all()):
                break
    likely = torch.stack(chances, dim=1).tolist()
    lengths = [_length(row, end) for row in ids[:, width:].tolist()]
    return (
        [row[:n] for row, n in zip(ids[:, width:].tolist(), lengths, strict=True)],
        [row[:n] for row, n in zip(likely, lengths, strict=True)],
    )


def spelled(live: "Trained", ids: Ids) -> str:
    """Ids as a text, as far as the tokenizer can write one."""
    decode = getattr(live.target.tokenizer, "decode", None)
    return str(decode(list(ids))) if callable(decode) else " ".join(live.target.tokens(ids))


def _length(row: list[int], end: int | None) -> int:
    return row.index(end) + 1 if end in row else len(row)


def _next_scores(live: "Trained", ids: Tensor) -> Tensor:
    """Scores of the next token, (sample, vocab), on the CPU."""
    scores = live.scores(live.run_many(ids.tolist(), None, 1))
    if scores is None:
        raise LiveError(f"{type(live.modules['']).__name__} gives no score per vocabulary entry")
    return scores[:, -1].cpu()
