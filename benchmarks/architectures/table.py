"""The table of docs/architectures.md: from results to text, and back for the test that guards it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]

_HEAD = "| model type | outcome | maps found / with a reference | largest difference | route | note |"
_INTRO = """\
# Every architecture of transformers

Each model type that `AutoModel` knows is built small from its configuration alone (random weights, a few
layers) and run, unmodified, on the implementation of attention that it chooses itself (SDPA where it has it):
once bare, and once under `genviz.record`. *exact* means that the outputs are the same bits, and that every
attention map of a reference is among those recorded, within 1e-5 in float32, and none besides.
The reference is what the eager implementation gives as `output_attentions`; where it gives none, every
softmax that the eager run computes; where eager computes something else than SDPA (another mask, say), the
arguments of the model's own kernel, worked out in float64.

This page is written by `python -m benchmarks.architectures`.
"""


def written(results: Iterable[Found]) -> str:
    """The whole page."""
    from importlib.metadata import version

    results = sorted(results, key=lambda found: found["model_type"])
    rows = [_row(found) for found in results]
    lines = [_INTRO, summary([outcome(found) for found in results]), ""]
    lines += [f"transformers {version('transformers')}, torch {version('torch')}, float32 on a CPU.", ""]
    return "\n".join([*lines, _HEAD, "|---|---|---|---|---|---|", *rows, ""])


def summary(outcomes: Sequence[str]) -> str:
    """The counts of the rows, in one sentence."""
    count = Counter(outcomes)
    attending = len(outcomes) - count["not built"] - count["no softmax attention"]
    share = 100 * count["exact"] / attending if attending else 0.0
    return (
        f"**{count['exact']} of {attending} exact ({share:.1f}%)** of those that could be built and have "
        f"softmax attention; {count['no softmax attention']} have none; {count['not built']} could not be "
        f"built here; {len(outcomes)} model types in all."
    )


def outcome(found: Found) -> str:
    """One word for the table."""
    return str(found["outcome"])


def read(text: str) -> list[tuple[str, str]]:
    """Model type and outcome of every row of a page."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    return [(row[1].strip().strip("`"), row[2].strip()) for row in rows]


def _row(found: Found) -> str:
    none = outcome(found) == "no softmax attention"
    attends = not none and bool(found["found"] or found["references"])
    cells = [
        f"`{found['model_type']}`",
        outcome(found),
        f"{found['found']} / {found['references']}" if attends else "",
        f"{found['largest']:.0e}" if attends and found["references"] else "",
        ", ".join(found["routes"]),
        _note(found),
    ]
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _note(found: Found) -> str:
    if outcome(found) == "no softmax attention":
        kinds = ", ".join(f"{count} × {kind}" for kind, count in found["shown"].items() if count)
        reasons = list(dict.fromkeys(each.partition(": ")[2] for each in found["missing"]))
        reason = reasons[0].removeprefix("no softmax attention: ") if reasons else ""
        return f"{reason}; shown: {kinds}" if kinds else reason
    if outcome(found) == "exact":
        against = "" if found["against"] == "output_attentions" else f"against {found['against']}"
        if not found["reason"]:
            return against
        if found["reason"].startswith("eager: "):
            return f"{against} (eager does not run)"
        if found["eager_gap"] > 1e-4:
            return f"{against} (eager's own outputs differ by {found['eager_gap']:.0e})"
        if "kernel" in found["against"]:
            return f"{against} (eager gives out other weights for the same outputs)"
        return f"{against} (`output_attentions` holds something else)"
    if outcome(found) == "differs" and not found["found"]:
        return "its weights are written without a softmax function, and were not seen"
    return _plain(found["reason"])


def _plain(reason: str) -> str:
    """The first sentence of an error, without what only a person at the keyboard needs."""
    for marker in (" but it was not found", ". You can", ". Please", ". Target sizes", " neither in <module"):
        reason = reason.partition(marker)[0]
    return reason[:160].replace("<", "‹").replace(">", "›").replace("*", "∗")
