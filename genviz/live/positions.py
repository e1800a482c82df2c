"""How a model knows the order of its tokens: found by running it on one token again and again.

Where every token is the same, whatever differs from position to position comes from positions alone: what is
added to the token vectors, the angle by which queries are rotated, the bias that is added to the scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genviz.analysis.positions import (
    TOLERANCE,
    by_distance,
    rotation_of,
    sinusoid_of,
    slopes_of,
)
from genviz.errors import GenvizError, LiveError
from genviz.live.entering import INPUT, Entering, entered, on_side
from genviz.recording import Entry, Recording

SIDES = ("tokens", "target_tokens")
#: The largest difference between positions that is only rounding, as a share of the largest value.
_ROUNDING = 1e-4

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
    added, notes = _added(runs, side)
    if added:
        return added, notes
    if notes:
        return [], notes
    parts = [part for queries in _queries(runs[0], side) if (part := _rotary(*queries, side)) is not None]
    rotated = {layer for part in parts for layer in part["layers"]}
    for site in _self_attention(runs[0], side):
        part, said = (None, "") if site in rotated else _bias(runs, site, side)
        parts += [] if part is None else [part]
        notes += [said] if said else []
    return parts, list(dict.fromkeys(notes))


def _added(runs: tuple[Recording, Recording], side: str) -> tuple[list[dict[str, Any]], list[str]]:
    """What is added to the token vectors: tables that were seen, or what the first block's input tells."""
    tables = [
        each for each in runs[0].entries(kind="position") if each.call == 0 and _side(runs[0], each) == side
    ]
    if tables:
        return [
            _table(each.site, np.asarray(each.load()[0], np.float64), side, seen=True) for each in tables
        ], []
    inputs = [entered(run, side) for run in runs]
    if any(each is None or each.axes[-2:] != ("token", "channel") for each in inputs):
        return [], []
    first, second = (np.asarray(each.load()[0], np.float64) for each in inputs if each is not None)
    if _constant(first):
        return [], []
    if np.abs((first - first[0]) - (second - second[0])).max() > 1e-3 * np.abs(first - first[0]).max():
        return [], [
            "The first block's input depends on position, but not by a vector that is simply added: it "
            "differs with the token."
        ]
    entry = inputs[0]
    assert entry is not None
    return [_table(entry.site, first - _base(runs, (first, second), side), side, seen=False)], []


def _side(run: Recording, table: Entry) -> str:
    """Which sequence a table of positions is for: that of the stack that runs next.

    A table gets positions, not tokens, so what it was told of its sequence can be wrong where the decoder
    keeps a table of its own. Entries stand in the order in which they were seen.
    """
    later = dropwhile(lambda each: each is not table and each.site != table.site, run.entries())
    following = next((each for each in later if each.site.endswith(INPUT)), table)
    return next(side for side in SIDES if on_side(following, side))


def _base(runs: tuple[Recording, Recording], inputs: tuple[Floats, Floats], side: str) -> Floats:
    """The token's own vector, times what the model multiplies it by; else what enters at the first position.

    Two tokens enter with the same positions, so what enters differs by their scaled vectors.
    """
    own = [_vectors(run, inputs[0].shape, side) for run in runs]
    if own[0] is None or own[1] is None:
        return inputs[0][:1]
    apart, between = own[0] - own[1], inputs[0] - inputs[1]
    scale = float((apart * between).sum() / max(float((apart**2).sum()), 1e-30))
    missed = np.abs(between - scale * apart).max()
    return own[0] * scale if missed <= TOLERANCE * np.abs(between).max() else inputs[0][:1]


def _vectors(run: Recording, shape: tuple[int, ...], side: str) -> Floats | None:
    for each in run.entries(kind="embedding"):
        vectors = each.load()[0]
        if on_side(each, side) and vectors.shape == shape:
            return np.asarray(vectors, np.float64)
    return None


def _table(site: str, table: Floats, side: str, *, seen: bool) -> dict[str, Any]:
    turning = sinusoid_of(table)
    part: dict[str, Any] = {
        "form": "learned" if turning is None else "sinusoidal",
        "site": site,
        "side": side,
        "layers": [],
        "seen": seen,
        "table": table.astype(np.float32),
    }
    if turning is not None:
        part |= {"frequencies": turning.frequencies, "layout": turning.layout, "error": turning.error}
    return part


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


def _bias(runs: tuple[Recording, Recording], site: str, side: str) -> tuple[dict[str, Any] | None, str]:
    """What is added to the scores by distance, and what must be said where that is not the whole truth."""
    raw = _raw_bias(runs[0], site)
    scores = [_log_weights(run, site) for run in runs] if raw is None else [raw, raw]
    if any(each is None or each.shape[1] < 3 for each in scores):
        return None, ""
    profiles = [by_distance(each) for each in scores if each is not None]
    distances, profile, spread = profiles[0]
    if spread > TOLERANCE * max(1.0, float(np.abs(profile).max())) and raw is not None:
        return _bias_of_rows(raw, site, side)
    swing = float(np.ptp(profile, axis=1).max()) if profile.size else 0.0
    if swing <= 1e-3:
        return None, ""
    if profile.shape == profiles[1][1].shape and np.abs(profile - profiles[1][1]).max() > 0.01 * swing + 1e-4:
        return None, (
            f"Scores at {site!r} depend on distance, but otherwise for another token: positions meet content "
            "there, and cannot be drawn apart from it."
        )
    if spread > 0.01 * max(swing, 1.0):
        return None, f"A bias is added to the scores at {site!r}, but it is no function of distance alone."
    return _distance_part(site, side, distances, profile), ""


def _bias_of_rows(raw: Floats, site: str, side: str) -> tuple[dict[str, Any] | None, str]:
    """A constant per row changes no weight: look again without it (ALiBi is often added by key alone)."""
    own = np.diagonal(raw, 0, 1, 2)[:, : raw.shape[1], None]
    distances, profile, spread = by_distance(raw[:, : own.shape[1]] - own)
    if spread > TOLERANCE * max(1.0, float(np.abs(profile).max())):
        return None, f"A bias is added to the scores at {site!r}, but it is no function of distance alone."
    return _distance_part(site, side, distances, profile), ""


def _distance_part(site: str, side: str, distances: NDArray[Any], profile: Floats) -> dict[str, Any]:
    slopes = slopes_of(distances, profile)
    part = {
        "form": "relative" if slopes is None else "alibi",
        "site": site,
        "side": side,
        "layers": [site],
        "distances": distances,
        "bias": profile.astype(np.float32),
    }
    return part if slopes is None else {**part, "slopes": slopes}


def _raw_bias(run: Recording, site: str) -> Floats | None:
    """The bias as it was added, ``(head, query, key)``; -inf where it masks."""
    entry = next(iter(run.entries(site, "attention_bias", call=0)), None)
    query = next(iter(run.entries(site, "query", call=0)), None)
    if entry is None and query is not None and "bias_at" in query.attrs:
        where, call = query.attrs["bias_at"]
        entry = run.entry(where, "attention_bias", call=call)
    if entry is None:
        return None
    bias = np.asarray(entry.load(), np.float64)
    bias = bias[0] if bias.ndim == 4 else bias
    masked = np.where(bias < -1e4, np.nan, bias)
    rule = (query.attrs.get("rule") or {}) if query is not None else {}
    if rule.get("causal"):
        masked[:, *np.triu_indices(masked.shape[1], 1, masked.shape[2])] = np.nan
    return masked


def _log_weights(run: Recording, site: str) -> Floats | None:
    """Logarithm of the weights of a model that computes its own softmax, less that of each row's own key."""
    entry = next(iter(run.entries(site, "attention", call=0)), None)
    if entry is None:
        return None
    weights = np.asarray(entry.load()[0], np.float64)
    if weights.shape[1] != weights.shape[2]:
        return None
    with np.errstate(divide="ignore"):
        scores = np.where(weights > 1e-30, np.log(weights), np.nan)
    return np.asarray(scores - np.diagonal(scores, 0, 1, 2)[:, :, None])


def _constant(values: Floats) -> bool:
    return bool(np.abs(values - values[:1]).max() <= _ROUNDING * max(float(np.abs(values).max()), 1e-9))


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
