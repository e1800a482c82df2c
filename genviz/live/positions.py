"""How a model knows the order of its tokens: found by running it on one token again and again.

Where every token is the same, whatever differs from position to position comes from positions alone: what is
added to the token vectors, the angle by which queries are rotated, the bias that is added to the scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genviz.analysis.positions import rotation_of, sinusoid_of
from genviz.errors import GenvizError, LiveError
from genviz.live.added_positions import added as added_positions
from genviz.live.distance_biases import bias_at
from genviz.live.entering import SIDES, Entering
from genviz.recording import Recording

Floats = NDArray[np.float64]


def positions(live: Any, length: int = 64) -> dict[str, Any]:
    """See :meth:`genviz.live.language.LanguageModel.positions`."""
    first, second = _two_tokens(live)
    runs, used = _runs(live, (first, second), length)
    parts: list[dict[str, Any]] = []
    notes: list[str] = []
    for side in SIDES[: 2 if live.two_sided else 1]:
        found, said = _one_side(runs, side)
        parts += found
        notes += said
    parts, more = _joined(parts), _rotates_unseen(live, parts)
    if not parts and not notes and not more:
        more = [
            "No position enters: nothing differs between positions when all tokens are the same. What order "
            "such a model knows comes from its mask or from its recurrence."
        ]
    return {
        "parts": parts,
        "notes": [*notes, *more],
        "length": used,
        "tokens": live.source.tokens([first, second]),
    }


def _two_tokens(live: Any) -> tuple[int, int]:
    """Two tokens that are no special ones."""
    config = getattr(live.modules[""], "config", None)
    names = ("pad", "bos", "eos", "unk", "cls", "sep", "mask")
    special = {live.source.special(name) for name in names} | {live.target.special(name) for name in names}
    special |= {getattr(config, f"{name}_token_id", None) for name in names}
    special.add(getattr(config, "decoder_start_token_id", None))
    known = [each for text in live.text[:1] for each in live.source.encode(text).ids]
    plain = [each for each in dict.fromkeys([*known, *range(1, 40)]) if each not in special]
    return plain[0], plain[1]


def _runs(live: Any, tokens: tuple[int, int], length: int) -> tuple[tuple[Recording, Recording], int]:
    """Run the model on each token alone; shorter when so many positions do not fit."""
    context = (live.describe()["facts"] or {}).get("context")
    longest = max(2, min(int(length), context or int(length)))
    error: Exception | None = None
    for size in dict.fromkeys((longest, max(2, longest - 2), max(2, longest // 2))):
        try:
            return (_run(live, tokens[0], size), _run(live, tokens[1], size)), size
        except GenvizError:
            raise
        except Exception as failure:  # a table that ends earlier than it says
            error = failure
    raise LiveError(f"the model cannot be run on {longest} equal tokens ({type(error).__name__}: {error})")


def _run(live: Any, token: int, length: int) -> Recording:
    from genviz.capture import part_by_part, record

    kinds = ("position", "embedding", "hidden", "attention")
    model = live.modules[""]
    with live.running(), part_by_part(model), record(model, family=Entering(), kinds=kinds) as seen:
        live._run([token] * length, [token] * length if live.two_sided else None)
    return Recording(seen.entries(), seen.info)


# -- one sequence ------------------------------------------------------------------------------------


def _one_side(runs: tuple[Recording, Recording], side: str) -> tuple[list[dict[str, Any]], list[str]]:
    added, notes = added_positions(runs, side)
    if added:
        return added, notes
    if notes:
        return [], notes
    parts = [part for queries in _queries(runs[0], side) if (part := _rotary(*queries, side)) is not None]
    rotated = {layer for part in parts for layer in part["layers"]}
    for site in _self_attention(runs[0], side):
        part, said = (None, "") if site in rotated else bias_at(runs, site, side)
        parts += [] if part is None else [part]
        notes += [said] if said else []
    return parts, list(dict.fromkeys(notes))


def _rotary(site: str, queries: Floats, side: str) -> dict[str, Any] | None:
    turning = rotation_of(queries)
    if turning is None:
        return None
    return {
        "form": "rotary",
        "site": site,
        "side": side,
        "layers": [site],
        "frequencies": turning.frequencies,
        "layout": turning.layout,
        "first": turning.first,
        "channels": int(queries.shape[2]),
        "error": turning.error,
    }


def _queries(run: Recording, side: str) -> Iterator[tuple[str, Floats]]:
    """Queries of each self-attention site, ``(head, position, channel)``."""
    for site in _self_attention(run, side):
        entry = next(iter(run.entries(site, "query", call=0)), None)
        if entry is not None:
            yield site, np.asarray(entry.load()[0], np.float64)


def _self_attention(run: Recording, side: str) -> list[str]:
    found = {}
    for entry in (*run.entries(kind="query"), *run.entries(kind="attention")):
        told = entry.attrs.get("tokens") or {}
        if told.get("query", "tokens") == told.get("key", "tokens") == side:
            found[entry.site] = True
    return list(found)


# -- put together ------------------------------------------------------------------------------------


def _joined(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Layers that do the same are one part."""
    found: list[dict[str, Any]] = []
    for part in parts:
        same = next((each for each in found if _alike(each, part)), None)
        if same is None:
            found.append(dict(part))
        else:
            same["layers"] = [*same["layers"], *part["layers"]]
    return found


def _alike(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    if first["form"] != second["form"] or first["side"] != second["side"] or "table" in first:
        return False
    return all(
        first[name].shape == second[name].shape
        and np.allclose(first[name], second[name], rtol=1e-3, atol=1e-5)
        for name in ("frequencies", "bias")
        if name in first
    )


def _rotates_unseen(live: Any, parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rotation that the model's structure shows and its queries did not."""
    from genviz.capture.families.structure import rotates
    from genviz.capture.modules import Network

    if any(part["form"] == "rotary" for part in parts):
        return []
    network = Network.of(live.modules[""])
    kept = _stored_frequencies(network.modules.values())
    if kept is None:
        return []
    if not rotates(network) or any("table" in part or part["form"] == "alibi" for part in parts):
        return []
    return ["Its parts rotate queries by position, but the rotated queries were not seen."]


def _stored_frequencies(modules: Any) -> Floats | None:
    """Frequencies that a module keeps: ``inv_freq``, or a table of sines and cosines."""
    for module in modules:
        for name, buffer in module._buffers.items():
            if name == "inv_freq" and isinstance(buffer, torch.Tensor):
                return np.asarray(buffer.double().cpu().numpy())
            wide = isinstance(buffer, torch.Tensor) and buffer.ndim == 2 and buffer.is_floating_point()
            if wide and (turning := sinusoid_of(buffer[:64].double().cpu().numpy())) is not None:
                return turning.frequencies
    return None
