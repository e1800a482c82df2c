"""Ways through latent space between two codes."""

import numpy as np

from genviz.shapes import Float, Float64


def lerp(
    first: Float[np.ndarray, " latent"],
    second: Float[np.ndarray, " latent"],
    shares: Float[np.ndarray, " point"],
) -> Float64[np.ndarray, "point latent"]:
    """Straight way: ``(1 - t)·a + t·b``.

    Parameters
    ----------
    first, second : float arrays, (latent,)
    shares : float array, (point,)
        How far along, from 0 (``first``) to 1 (``second``).

    Returns
    -------
    float array, (point, latent)
    """
    a, b, t = _checked(first, second, shares)
    return np.asarray((1 - t) * a + t * b)


def slerp(
    first: Float[np.ndarray, " latent"],
    second: Float[np.ndarray, " latent"],
    shares: Float[np.ndarray, " point"],
) -> Float64[np.ndarray, "point latent"]:
    """Way along the arc: the direction turns evenly, the length goes evenly from one code's to the other's.

    A straight way cuts through the middle, where codes of a high-dimensional normal distribution never lie.

    Parameters
    ----------
    first, second : float arrays, (latent,)
    shares : float array, (point,)

    Returns
    -------
    float array, (point, latent)
        For codes of equal norm every point has that norm. Codes in (nearly) the same or in opposite
        directions, or of norm 0, span no arc: the way is then straight.

    Notes
    -----
    ``sin((1-t)θ)/sin θ · a + sin(tθ)/sin θ · b`` on unit vectors (Shoemake 1985, *Animating rotation with
    quaternion curves*, section 3.3).
    """
    a, b, t = _checked(first, second, shares)
    norms = np.linalg.norm(a), np.linalg.norm(b)
    if min(norms) == 0:
        return lerp(first, second, shares)
    units = a / norms[0], b / norms[1]
    angle = np.arccos(np.clip(units[0] @ units[1], -1, 1))
    if np.sin(angle) < 1e-6:
        return lerp(first, second, shares)
    turned = (np.sin((1 - t) * angle) * units[0] + np.sin(t * angle) * units[1]) / np.sin(angle)
    return np.asarray(turned * ((1 - t) * norms[0] + t * norms[1]))


def _checked(
    first: Float[np.ndarray, "..."], second: Float[np.ndarray, "..."], shares: Float[np.ndarray, " point"]
) -> tuple[Float64[np.ndarray, " latent"], Float64[np.ndarray, " latent"], Float64[np.ndarray, "point 1"]]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"two codes of one length are needed, not the shapes {a.shape} and {b.shape}")
    return a, b, np.asarray(shares, np.float64).reshape(-1, 1)


#: Ways by name.
PATHS = {"linear": lerp, "slerp": slerp}
