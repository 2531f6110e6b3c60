"""The scale c: how far one unit of radius moves each weight."""

from collections.abc import Callable, Iterator, Sequence

from keras import ops

from keras_sharpness.typing import Array, Weights


def none(w: Array) -> Array:
    """Returns c = 1: standard sharpness."""
    return ops.ones_like(w)


def adaptive(w: Array) -> Array:
    """Returns c = |w|: sharpness then ignores rescalings of the weights that keep the function (arXiv:2102.11600)."""
    return ops.abs(w)


def per_filter(w: Array) -> Array:
    """Returns the Euclidean norm of each filter (arXiv:2102.11600, section 3), and |w| for biases and the like.

    A filter is all that one output channel, the last axis, is made from.
    """
    return _norms(w, tuple(range(len(w.shape) - 1))) if len(w.shape) > 1 else ops.abs(w)


def per_layer(w: Array) -> Array:
    """Returns the Euclidean norm of each array of weights."""
    return _norms(w, None)


SCALINGS = {"adaptive": adaptive, "none": none, "per_filter": per_filter, "per_layer": per_layer}


class Scale(Sequence[Array]):
    """The scale of each weight, computed whenever it is needed: to keep it takes the memory of one more model."""

    def __init__(
        self, scaling: Callable[[Array], Array], weights: Weights, eta: float = 0.0, mask: Weights | None = None
    ) -> None:
        """Notes what it is made from.

        Args:
            scaling: One of `SCALINGS`.
            weights: The weights.
            eta: Floor added to the scale.
            mask: One for weights that move, zero for those that do not; None: all move.
        """
        self._scaling, self._weights, self._eta, self._mask = scaling, weights, eta, mask

    def __iter__(self) -> Iterator[Array]:
        """Returns an iterator of the arrays, which does not hold on to them."""
        return map(self.__getitem__, range(len(self)))

    def __len__(self) -> int:
        """Returns the number of arrays."""
        return len(self._weights)

    def __getitem__(self, k: int) -> Array:  # type: ignore[override]  # No slices.
        """Returns the scale of an array of weights."""
        c = self._scaling(self._weights[k])
        if self._eta:
            c = c + self._eta
        return c if self._mask is None else c * self._mask[k]


def _norms(w: Array, axes: tuple[int, ...] | None) -> Array:
    return ops.broadcast_to(ops.sqrt(ops.sum(w * w, axis=axes, keepdims=True)), w.shape)
