"""The three norms of a ball: projection, steepest direction, size, and random points.

All are closed forms in the coordinates nu = delta / c, where the ball is ||nu||_p <= rho; the norms are over all
weights together. Where c = 0 a weight does not move: its nu is 0.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from keras import ops

from keras_sharpness.arrays import noise, tree
from keras_sharpness.typing import Array, Weights


class Norm(NamedTuple):
    """What a maximizer needs to know of a norm.

    Attributes:
        size: From nu to ||nu||, a scalar.
        dual: From a gradient g to max g.s subject to ||s|| <= 1, a scalar.
        project: From (nu, rho) to the point of the ball nearest to nu in Euclidean distance.
        project_weights: From (delta, rho, c) to the point of { ||delta / c|| <= rho } nearest to delta in Euclidean
            distance of the weights themselves.
        steepest: From a gradient g to the s that maximizes g.s subject to ||s|| <= 1; g.s is the dual norm of g.
        sample: From (weights' shapes as zeros, *keys of noise) to a point drawn uniformly from the unit ball.
    """

    size: Callable[[Iterable[Array]], Array]
    dual: Callable[[Iterable[Array]], Array]
    project: Callable[[Weights, float | Array], Weights]
    project_weights: Callable[[Iterable[Array], float | Array, Sequence[Array]], Iterable[Array]]
    steepest: Callable[[Iterable[Array]], Iterable[Array]]
    sample: Callable[..., Weights]


def project_linf(nu: Weights, rho: float | Array) -> Weights:
    """Returns argmin_z ||z - nu||_2 subject to |z_i| <= rho for every i."""
    return [ops.clip(x, -rho, rho) for x in nu]


def project_l2(nu: Weights, rho: float | Array) -> Weights:
    """Returns argmin_z ||z - nu||_2 subject to ||z||_2 <= rho."""
    # Dividing by the larger of norm and radius needs no epsilon but for rho = 0.
    return tree.scale(rho / ops.maximum(ops.maximum(tree.norm_l2(nu), rho), _TINY), nu)


def project_l1(nu: Weights, rho: float | Array) -> Weights:
    """Returns argmin_z ||z - nu||_2 subject to ||z||_1 <= rho (Duchi et al. 2008, figure 1).

    The solution shrinks every |nu_i| by the same theta, zero at least; sorting finds it.
    """
    sizes = ops.flip(ops.sort(ops.abs(tree.flatten(nu))))
    excess = (ops.cumsum(sizes) - rho) / ops.arange(1, sizes.shape[0] + 1, dtype=sizes.dtype)
    # Those that stay positive come first, and theta is the excess at the last of them: the largest excess.
    theta = ops.maximum(ops.max(excess), 0.0)
    return [ops.sign(x) * ops.maximum(ops.abs(x) - theta, 0.0) for x in nu]


def project_weights_linf(delta: Iterable[Array], rho: float | Array, scale: Sequence[Array]) -> Iterable[Array]:
    """Returns argmin_z ||z - delta||_2 subject to |z_i| <= rho c_i for every i: the clip of the paper."""

    # Each bound of each array is there only while it is needed: lists would take the memory of two more models.
    def bounds(radius: float | Array) -> Iterator[Array]:
        return tree.Each(lambda c: radius * c, scale)

    return tree.Each(ops.minimum, tree.Each(ops.maximum, delta, bounds(-rho)), bounds(rho))


def project_weights_l2(delta: Iterable[Array], rho: float | Array, scale: Sequence[Array]) -> Weights:
    """Returns argmin_z ||z - delta||_2 subject to ||z / c||_2 <= rho, an ellipsoid.

    The solution is z_i = delta_i c_i^2 / (c_i^2 + t), for the t >= 0 at which it meets the boundary. Bisection finds
    log t to far more digits than float32 has.
    """
    d, c = tree.flatten(delta), tree.flatten(scale)
    high = ops.log(ops.maximum(ops.sqrt(ops.sum((d * c) ** 2)) / ops.maximum(rho, _TINY), _TINY))
    low = high - 40.0

    def nu(t: Array) -> Array:
        return ops.where(c == 0, 0.0, d * c / ops.maximum(c * c + t, _TINY))

    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        outside = ops.sqrt(ops.sum(nu(ops.exp(middle)) ** 2)) > rho
        low, high = ops.where(outside, middle, low), ops.where(outside, high, middle)
    inside = ops.sqrt(ops.sum(nu(0.0 * high) ** 2)) <= rho
    projected = project_l2([ops.where(inside, nu(0.0 * high), nu(ops.exp(high)))], rho)[0]
    return tree.multiply(scale, tree.unflatten(projected, scale))


def project_weights_l1(delta: Iterable[Array], rho: float | Array, scale: Sequence[Array]) -> Weights:
    """Returns argmin_z ||z - delta||_2 subject to ||z / c||_1 <= rho.

    The solution shrinks |delta_i| by theta / c_i, zero at least. Those that stay positive have the largest
    |delta_i| c_i, and theta is the largest that any number of these, taken in that order, asks for.
    """
    d, c = tree.flatten(delta), tree.flatten(scale)
    inverse = ops.where(c == 0, 0.0, 1 / ops.where(c == 0, 1.0, c))
    order = ops.flip(ops.argsort(ops.abs(d) * c))
    sizes, weights = ops.take(ops.abs(d) * inverse, order, axis=0), ops.take(inverse**2, order, axis=0)
    theta = ops.maximum(ops.max((ops.cumsum(sizes) - rho) / ops.maximum(ops.cumsum(weights), _TINY)), 0.0)
    shrunk = ops.where(c == 0, 0.0, ops.sign(d) * ops.maximum(ops.abs(d) - theta * inverse, 0.0))
    # Rounding of theta must not leave the ball.
    return tree.multiply(scale, project_l1(tree.divide(tree.unflatten(shrunk, scale), scale), rho))


def steepest_linf(gradient: Iterable[Array]) -> Iterable[Array]:
    """Returns sign(g)."""
    return tree.Each(ops.sign, gradient)


def steepest_l2(gradient: Iterable[Array]) -> Weights:
    """Returns g / ||g||_2, zero for a zero gradient."""
    gradient = [*gradient]
    return tree.scale(1 / ops.maximum(tree.norm_l2(gradient), _TINY), gradient)


def steepest_l1(gradient: Iterable[Array]) -> Weights:
    """Returns the sign of the largest |g_i|, the first of these, at its place, and zero elsewhere."""
    gradient = [*gradient]
    flat = tree.flatten(gradient)
    largest = ops.cast(ops.abs(flat) == ops.max(ops.abs(flat)), flat.dtype)
    first = ops.cast(ops.cumsum(largest) == 1, flat.dtype)
    return tree.unflatten(ops.sign(flat) * largest * first, gradient)


def sample_linf(like: Weights, *keys: Array) -> Weights:
    """Returns independent uniform numbers between -1 and 1."""
    return [2 * noise.uniform(x.shape, *keys, k) - 1 for k, x in enumerate(like)]


def sample_l2(like: Weights, *keys: Array) -> Weights:
    """Returns a normal direction, at a distance u^(1/n) for a uniform u and n weights."""
    direction = steepest_l2([noise.normal(x.shape, *keys, k) for k, x in enumerate(like)])
    num_weights = sum(math.prod(x.shape) for x in like)
    return tree.scale(noise.uniform((), *keys, len(like)) ** (1 / num_weights), direction)


def sample_l1(like: Weights, *keys: Array) -> Weights:
    """Returns exponential numbers of random sign, divided by the sum of their sizes and of one more."""
    sizes = [-ops.log(noise.uniform(x.shape, *keys, k)) for k, x in enumerate(like)]
    signs = [ops.sign(noise.uniform(x.shape, *keys, k, 1) - 0.5) for k, x in enumerate(like)]
    total = tree.norm_l1(sizes) - ops.log(noise.uniform((), *keys, len(like)))
    return tree.scale(1 / total, tree.multiply(sizes, signs))


NORMS = {
    "linf": Norm(tree.norm_linf, tree.norm_l1, project_linf, project_weights_linf, steepest_linf, sample_linf),
    "l2": Norm(tree.norm_l2, tree.norm_l2, project_l2, project_weights_l2, steepest_l2, sample_l2),
    "l1": Norm(tree.norm_l1, tree.norm_linf, project_l1, project_weights_l1, steepest_l1, sample_l1),
}

# The smallest normal float32, far below any norm that matters.
_TINY = 1.2e-38
_BISECTIONS = 40
