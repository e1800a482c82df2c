"""Where the branches of a tree stand, column by column, so that they do not cross."""

import numpy as np

from genviz.shapes import Float, Int


def lanes(
    parents: Int[np.ndarray, " hypothesis"],
    steps: Int[np.ndarray, " hypothesis"],
    ranks: Int[np.ndarray, " hypothesis"],
) -> Float[np.ndarray, " hypothesis"]:
    """Heights of the hypotheses of a tree; each step is a column, centred on 0.

    Children stand in the order of their parents, and among siblings by rank, so that no two edges between
    two columns cross. Those without a rank (-1) share a lane of their own below all others.

    Parameters
    ----------
    parents : int array, (hypothesis,)
        Each after its parent; -1 for the root.
    steps : int array, (hypothesis,)
        Column of each.
    ranks : int array, (hypothesis,)

    Examples
    --------
    >>> lanes(np.array([-1, 0, 0]), np.array([0, 1, 1]), np.array([0, 0, 1])).tolist()
    [0.0, -0.5, 0.5]
    """
    heights = np.zeros(len(parents))
    counts = np.bincount(steps[ranks >= 0])
    aside = counts.max() / 2 + 0.5
    for step in range(1, int(steps.max()) + 1):
        here = np.flatnonzero((steps == step) & (ranks >= 0))
        ordered = here[np.lexsort((ranks[here], heights[parents[here]]))]
        heights[ordered] = np.arange(len(here)) - (len(here) - 1) / 2
        heights[(steps == step) & (ranks < 0)] = aside
    return heights
