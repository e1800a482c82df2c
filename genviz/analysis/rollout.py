"""Attention through several layers: rollout and flow (Abnar and Zuidema 2020, arXiv:2005.00928)."""

from typing import Any

import numpy as np

from genviz.shapes import Float, Float64, Int

Layers = Float[np.ndarray, "layer query key"]
Mixed = Float64[np.ndarray, "layer query key"]

UNITS = 2**24  # whole units that a weight of 1 is cut into: scipy's maximum flow counts in int32


def mixed(layers: Float[np.ndarray, "..."]) -> Mixed:
    """Weights of each layer with the residual path: half attention, half the token itself.

    Parameters
    ----------
    layers : float array, (layer, query, key)
        Attention of each layer, heads averaged, first layer first.

    Returns
    -------
    float array, (layer, query, key)
        ``0.5 A + 0.5 I``, each row scaled to 1 (section 3 of the paper); a row without weight is the token
        itself.

    Raises
    ------
    ValueError
        When queries and keys are not the same tokens.
    """
    if layers.ndim != 3 or layers.shape[1] != layers.shape[2]:
        raise ValueError(f"layers have axes (layer, token, token), not the shape {layers.shape}")
    halves = 0.5 * np.asarray(layers, np.float64) + 0.5 * np.eye(layers.shape[1])
    return np.asarray(halves / halves.sum(-1, keepdims=True))


def rollout(layers: Layers) -> Mixed:
    """Share of each input token in each token after each layer, when attention is followed as a mixture.

    Parameters
    ----------
    layers : float array, (layer, query, key)

    Returns
    -------
    float array, (layer, query, key)
        Product of the mixed layers up to each layer, equation 1 of the paper; rows sum to 1.

    Examples
    --------
    >>> even = np.full((2, 2, 2), 0.5)
    >>> rollout(even)[1].tolist()
    [[0.625, 0.375], [0.375, 0.625]]
    """
    through = [np.eye(layers.shape[1])]
    for layer in mixed(layers):
        through.append(layer @ through[-1])
    return np.stack(through[1:])


def flow(
    layers: Layers, query: int, keys: Int[np.ndarray, " kept"] | None = None
) -> Float64[np.ndarray, " asked"]:
    """Largest flow from one token after the last layer down to input tokens, weights being capacities.

    Parameters
    ----------
    layers : float array, (layer, query, key)
    query : int
    keys : int array, optional
        Input tokens; all of them without it.

    Returns
    -------
    float array, (key,)
        0 … 1 each. Unlike shares they do not sum to 1: each is a problem of its own (section 3 of the
        paper). Exact to ``tokens² / 2**24``.

    Examples
    --------
    >>> flow(np.full((2, 2, 2), 0.5), 0).tolist()
    [1.0, 0.5]
    """
    graph = _graph(mixed(layers))
    depth, tokens = layers.shape[:2]
    wanted = np.arange(tokens) if keys is None else np.asarray(keys)
    return np.array([_largest(graph, depth * tokens + query, int(key)) for key in wanted])


def flows(layers: Layers) -> Float64[np.ndarray, "query key"]:
    """:func:`flow` of every token, (query, key): tokens² problems."""
    graph = _graph(mixed(layers))
    depth, tokens = layers.shape[:2]
    return np.array(
        [[_largest(graph, depth * tokens + query, key) for key in range(tokens)] for query in range(tokens)]
    )


def _graph(layers: Mixed) -> Any:
    """Edges from each token after a layer to the tokens before it; node ``layer * tokens + token``."""
    from scipy import sparse  # a third of a second

    depth, tokens = layers.shape[:2]
    layer, query, key = np.nonzero(layers > 0.5 / UNITS)
    capacities = np.rint(layers[layer, query, key] * UNITS).astype(np.int32)
    nodes = (depth + 1) * tokens
    edges = (capacities, ((layer + 1) * tokens + query, layer * tokens + key))
    return sparse.csr_matrix(edges, shape=(nodes, nodes), dtype=np.int32)


def _largest(graph: Any, source: int, sink: int) -> float:
    from scipy.sparse.csgraph import maximum_flow

    return float(maximum_flow(graph, source, sink, method="dinic").flow_value / UNITS)
