"""Why a query may not look at a key, cell by cell, and the rule in words."""

from enum import IntEnum

import numpy as np

from genviz.attention import AttentionInputs, MaskRule
from genviz.shapes import Float, Float32, Int, UInt8

Codes = UInt8[np.ndarray, "query key"]
Rows = Int[np.ndarray, " query"]

#: A bias at or below this leaves nothing of a score after the softmax, in float32: exp(-1e4) is 0.
MASKING_BIAS = -1e4


class Reason(IntEnum):
    """Why a key may not be looked at; the first that holds."""

    VISIBLE = 0
    PADDING = 1
    LATER = 2
    WINDOW = 3
    BIAS = 4
    ZERO = 5


def reasons(inputs: AttentionInputs, rows: Rows, head: int = 0) -> Codes:
    """Tell for some rows which keys are masked, and by what.

    Parameters
    ----------
    inputs : AttentionInputs
    rows : int array, (row,)
    head : int
        Matters only where each head has a bias of its own.

    Returns
    -------
    uint8 array, (row, key)
        Values of :class:`Reason`.

    Examples
    --------
    >>> one = np.zeros((1, 3, 2), np.float32)
    >>> reasons(AttentionInputs(one, one, MaskRule(causal=True, window=2)), np.arange(3)).tolist()
    [[0, 2, 2], [0, 0, 2], [3, 0, 0]]
    """
    keys = inputs.shape[1]
    rule = inputs.rule
    near = MaskRule(causal=False, offset=rule.offset, window=rule.window).allowed(rows, keys)
    earlier = MaskRule(causal=rule.causal, offset=rule.offset).allowed(rows, keys)
    codes = np.zeros((len(rows), keys), np.uint8)
    bias = bias_of(inputs, rows, head)
    if bias is not None:
        codes[np.nan_to_num(bias, nan=0.0, neginf=-np.inf) <= MASKING_BIAS] = Reason.BIAS
    codes[~near] = Reason.WINDOW
    codes[~earlier] = Reason.LATER
    if inputs.key_mask is not None:
        codes[:, ~np.asarray(inputs.key_mask, bool)] = Reason.PADDING
    return codes


def bias_of(inputs: AttentionInputs, rows: Rows, head: int) -> Float32[np.ndarray, "query key"] | None:
    """What is added to the scaled scores of some rows, (row, key); None where nothing is."""
    if inputs.bias is None:
        return None
    own = inputs.bias[head if inputs.bias.shape[0] > 1 else 0]
    chosen = own[rows] if own.shape[0] > 1 else own
    return np.broadcast_to(np.asarray(chosen, np.float32), (len(rows), inputs.shape[1]))


def in_words(inputs: AttentionInputs) -> list[str]:
    """Say what masks and shapes the scores of one call, a sentence each.

    Examples
    --------
    >>> one = np.zeros((1, 3, 2), np.float32)
    >>> in_words(AttentionInputs(one, one, MaskRule(causal=True)))
    ['Causal: a token may look at itself and at what came before, never ahead.']
    """
    rule, said = inputs.rule, []
    if rule.causal:
        said.append("Causal: a token may look at itself and at what came before, never ahead.")
    if rule.window is not None:
        sides = "back from itself" if rule.causal else "to either side"
        said.append(f"Sliding window: at most {rule.window:,} tokens {sides}, itself included.")
    if inputs.key_mask is not None and not np.asarray(inputs.key_mask, bool).all():
        hidden = int((~np.asarray(inputs.key_mask, bool)).sum())
        said.append(f"Padding: {hidden:,} of {inputs.shape[1]:,} keys are filled up and hidden from all.")
    if inputs.bias is not None:
        said.append(_bias_in_words(inputs.bias))
    if not said:
        said.append("No mask: every query may look at every key.")
    if rule.softcap is not None:
        said.append(f"Scores are capped softly at ±{rule.softcap:g}.")
    if inputs.sinks is not None:
        said.append("Each head has a learned sink that takes weight and gives nothing.")
    return said


def _bias_in_words(bias: Float[np.ndarray, "heads_or_1 queries_or_1 key"]) -> str:
    finite = bias[np.isfinite(bias) & (bias > MASKING_BIAS)]
    ruled = " It also rules cells out." if finite.size < bias.size else ""
    heads = "one for each head" if bias.shape[0] > 1 else "the same for every head"
    if not finite.size or not np.any(finite):
        return "A mask that follows no simple rule is added to the scores."
    low, high = float(finite.min()) + 0.0, float(finite.max()) + 0.0  # never -0
    return f"A bias is added to the scores, {heads}: {low:.3g} … {high:.3g}.{ruled}"
