"""Biases that are added to attention scores by distance: as they were recorded, or read off the weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.positions import TOLERANCE, by_distance, slopes_of
from genviz.recording import Recording

Floats = NDArray[np.float64]


def bias_at(runs: tuple[Recording, Recording], site: str, side: str) -> tuple[dict[str, Any] | None, str]:
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
