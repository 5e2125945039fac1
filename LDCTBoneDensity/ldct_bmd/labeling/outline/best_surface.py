"""The best of all smooth surfaces through a volume of costs."""

import numpy as np
from numpy.typing import NDArray

LARGEST_STEP = 3  # labels between neighbouring cells: the steepest slope that a surface can have


def best_surface(cost: NDArray[np.float32], bend: float, wrap: bool = False) -> NDArray[np.float32]:
    """Return for each cell the label, with a fraction, on a surface of low cost and small steps.

    Semi-global matching (Hirschmueller 2008): the exact best path by dynamic programming along each axis, both ways,
    summed. All surfaces of a batch are found at once.

    Args:
        cost: (surfaces, n0, n1, labels).
        bend: cost of a step between neighbouring cells, times the squared number of labels.
        wrap: whether the first axis is closed, as the angle around a body is.

    Returns:
        (surfaces, n0, n1).
    """
    total = np.zeros_like(cost)
    margin = cost.shape[1] // 3 if wrap else 0
    padded = np.concatenate([cost[:, -margin:], cost, cost[:, :margin]], axis=1) if margin else cost
    inner = slice(margin, margin + cost.shape[1])
    rows = np.ascontiguousarray(padded.transpose(1, 3, 0, 2))
    columns = np.ascontiguousarray(cost.transpose(2, 3, 0, 1))
    for step in (1, -1):
        total += _along(rows[::step], bend)[::step].transpose(2, 0, 3, 1)[:, inner]
        total += _along(columns[::step], bend)[::step].transpose(2, 3, 0, 1)
    return _lowest(total)


def _along(cost: NDArray[np.float32], bend: float) -> NDArray[np.float32]:
    """Return the lowest cost of a path along the first axis that ends in each cell and label (second axis)."""
    out = np.empty(cost.shape, cost.dtype)
    before = out[0] = cost[0]
    best, dearer = np.empty_like(before), np.empty_like(before)
    for here, there in zip(cost[1:], out[1:], strict=True):
        best[...] = before
        for k in range(1, LARGEST_STEP + 1):
            np.add(before, np.float32(bend * k * k), out=dearer)
            np.minimum(best[k:], dearer[:-k], out=best[k:])
            np.minimum(best[:-k], dearer[k:], out=best[:-k])
        best -= best.min(axis=0)
        np.add(here, best, out=there)
        before = there
    return out


def _lowest(total: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return where the parabola through the lowest value and its neighbours has its bottom."""
    at = total.argmin(axis=-1)
    middle = np.clip(at, 1, total.shape[-1] - 2)[..., None]
    a, b, c = (np.take_along_axis(total, middle + k, axis=-1)[..., 0] for k in (-1, 0, 1))
    curvature = a - 2 * b + c
    shift = np.where(curvature > 1e-6, 0.5 * (a - c) / np.maximum(curvature, 1e-6), 0.0)
    return np.where(at == middle[..., 0], at + np.clip(shift, -0.5, 0.5), at).astype(np.float32)
