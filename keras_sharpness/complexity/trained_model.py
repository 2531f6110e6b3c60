"""A trained model, and what many measures of it have in common. Each part is found once, when it is first asked for."""

import dataclasses
import weakref
from functools import cached_property
from typing import Any, cast

import keras
import numpy as np
from keras import ops

from keras_sharpness.complexity import folding
from keras_sharpness.complexity.crossing import Crossing
from keras_sharpness.complexity.folded_network import folded_sample, is_normalized, path_norm
from keras_sharpness.complexity.folding import FoldedLayer, Site
from keras_sharpness.complexity.noise_deviation import noise_deviation
from keras_sharpness.complexity.predictions import Predictions, is_classifier, predict
from keras_sharpness.complexity.spectral import reshaped_norm, spectral_norm
from keras_sharpness.complexity.worst_radius import worst_radius
from keras_sharpness.errors import require
from keras_sharpness.measures.average_case import AverageCaseSharpness, average_case_sharpness
from keras_sharpness.measures.sample import Sample
from keras_sharpness.measures.worst_case import WorstCaseSharpness, worst_case_sharpness
from keras_sharpness.typing import State, Weights

_largest_inputs: "weakref.WeakKeyDictionary[Sample, float]" = weakref.WeakKeyDictionary()


@dataclasses.dataclass(eq=False)
class TrainedModel:
    """A trained model with its training data, and what is known of its training.

    The weights are those that the model has when a measure first needs them. Another member of a pool, whose weights
    the same model takes next, is a `TrainedModel` of its own around the same sample; what was compiled serves it too.

    Attributes:
        sample: The model, its loss and its training data.
        initial: Trainable weights before training, NumPy arrays in the order of `model.trainable_variables`.
        first_epoch: Trainable weights and non-trainable variables after the first epoch.
        epoch_losses: Training loss of each epoch.
        learning_rate: Learning rate of the training.
        batch_size: Batch size of the training.
    """

    sample: Sample
    initial: Weights | None = None
    first_epoch: tuple[Weights, State] | None = None
    epoch_losses: tuple[float, ...] = ()
    learning_rate: float | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        """Checks the weights.

        Raises:
            InputError: If the initial weights are not of the model's shapes.
        """
        if self.initial is not None:
            shapes = [tuple(v.shape) for v in self.model.trainable_variables]
            given = [np.shape(array) for array in self.initial]
            require(shapes == given, "`initial` must hold an array for each trainable weight", shapes=given)

    @property
    def model(self) -> keras.Model:
        """The model."""
        return self.sample.model

    @cached_property
    def is_classifier(self) -> bool:
        """Whether there is an error rate: one output, and a cross-entropy for the loss."""
        return is_classifier(self.sample)

    @property
    def num_examples(self) -> int:
        """Number of training examples, m in the papers."""
        return len(self.sample.examples)

    @cached_property
    def sites(self) -> list[Site]:
        """The layers with weights; refuses layers of other kinds by name."""
        return folding.sites(self.model)

    @cached_property
    def layers(self) -> list[FoldedLayer]:
        """The layers with weights, batch normalization folded in."""
        return [folding.fold(site, _numpy) for site in self.sites]

    @cached_property
    def initial_layers(self) -> list[FoldedLayer]:
        """The same before training."""
        variables = self.model.trainable_variables
        known = {id(v): value for v, value in zip(variables, self._initial, strict=True)}
        known |= folding.fresh_statistics(self.sites)
        return [folding.fold(site, lambda v: known[id(v)] if id(v) in known else _numpy(v)) for site in self.sites]

    @cached_property
    def differences(self) -> list[FoldedLayer]:
        """How far each layer has come in training, W - W0."""
        return [after.minus(before) for after, before in zip(self.layers, self.initial_layers, strict=True)]

    @property
    def depth(self) -> int:
        """Number of layers with weights, d in the papers."""
        return len(self.layers)

    @cached_property
    def spectral_norms(self) -> np.ndarray:
        """||W_i||_2 of each layer, exact."""
        return np.array([spectral_norm(layer) for layer in self.layers])

    @cached_property
    def reshaped_norms(self) -> np.ndarray:
        """||W_i||_2 of each layer's kernel as a matrix; the same for dense layers."""
        known = zip(self.layers, self.spectral_norms, strict=True)
        return np.array([reshaped_norm(layer) if layer.sizes else exact for layer, exact in known])

    @cached_property
    def distance_norms(self) -> np.ndarray:
        """||W_i - W_i0||_2 of each layer, exact."""
        return np.array([spectral_norm(layer) for layer in self.differences])

    @cached_property
    def reshaped_distance_norms(self) -> np.ndarray:
        """||W_i - W_i0||_2 of each layer's kernel as a matrix."""
        known = zip(self.differences, self.distance_norms, strict=True)
        return np.array([reshaped_norm(layer) if layer.sizes else exact for layer, exact in known])

    @cached_property
    def frobenius_norms(self) -> np.ndarray:
        """||W_i||_F of each layer's kernel."""
        return np.array([np.linalg.norm(layer.kernel) for layer in self.layers])

    @cached_property
    def distances(self) -> np.ndarray:
        """||W_i - W_i0||_F of each layer's kernel."""
        return np.array([np.linalg.norm(layer.kernel) for layer in self.differences])

    @cached_property
    def path_norm(self) -> float:
        """Sum over all paths of the product of their squared weights."""
        return path_norm(self.model, self.sites, self.layers)

    @cached_property
    def predictions(self) -> Predictions:
        """What a classifier predicts on the training data."""
        return predict(self.sample)

    @cached_property
    def margin(self) -> float:
        """The 10th percentile of the margins, with its sign: gamma in the papers."""
        return float(np.percentile(self.predictions.margins, 10))

    @property
    def largest_input(self) -> float:
        """The largest Euclidean norm of an input, B in the papers."""
        if self.sample not in _largest_inputs:
            _largest_inputs[self.sample] = _largest_norm(self.sample)
        return _largest_inputs[self.sample]

    @cached_property
    def vector(self) -> np.ndarray:
        """All weights, w in PAC-Bayes bounds: of layers of any kind, batch normalization folded in."""
        if is_normalized(self.model):
            return _flat(self.layers)
        return np.concatenate([_numpy(v).ravel() for v in self.model.trainable_variables])

    @cached_property
    def displacement(self) -> np.ndarray:
        """All weights minus their values before training, w - w0."""
        if is_normalized(self.model):
            return _flat(self.differences)
        return self.vector - np.concatenate([np.asarray(a, np.float64).ravel() for a in self._initial])

    @cached_property
    def kernels(self) -> list[np.ndarray]:
        """The weights without biases: of layers of any kind, batch normalization folded in."""
        if is_normalized(self.model):
            return [layer.kernel for layer in self.layers]
        return [_numpy(v) for v in self.model.trainable_variables if len(v.shape) > 1]

    @cached_property
    def kernel_moves(self) -> list[np.ndarray]:
        """How far these have come in training."""
        if is_normalized(self.model):
            return [layer.kernel for layer in self.differences]
        initial = [np.asarray(array, np.float64) for array in self._initial if np.ndim(array) > 1]
        return [after - before for after, before in zip(self.kernels, initial, strict=True)]

    @cached_property
    def deviation(self) -> Crossing:
        """Deviation of noise that lowers the accuracy by 0.1, sigma in the papers."""
        return noise_deviation(self.folded(), magnitude=False)

    @cached_property
    def magnitude_deviation(self) -> Crossing:
        """The same of noise that grows with the weights, sigma' in the papers."""
        return noise_deviation(self.folded(), magnitude=True)

    @cached_property
    def radius(self) -> Crossing:
        """Radius of the box in which the worst accuracy is lower by 0.1, alpha in the papers."""
        return worst_radius(self.folded(), magnitude=False)

    @cached_property
    def magnitude_radius(self) -> Crossing:
        """The same of the box that grows with the weights, alpha' in the papers."""
        return worst_radius(self.folded(), magnitude=True)

    @cached_property
    def worst_case(self) -> WorstCaseSharpness:
        """Worst-case sharpness, by which loss and error rate are read."""
        return worst_case_sharpness(self.sample)

    @cached_property
    def average_case(self) -> AverageCaseSharpness:
        """Average-case sharpness, likewise."""
        return average_case_sharpness(self.sample)

    def folded(self) -> Sample:
        """Returns the sample of the folded network; the sample itself without batch normalization."""
        return folded_sample(self.sample, self.layers if is_normalized(self.model) else [])

    @property
    def _initial(self) -> Weights:
        require(self.initial is not None, "`initial` must be given: the trainable weights before training")
        return cast(Weights, self.initial)


def _largest_norm(sample: Sample) -> float:
    pieces = sample.stream() if sample.streams else [sample.data]
    return max(_norm_of_rows(keras.tree.flatten(data.tensors[0])) for data in pieces)


def _norm_of_rows(inputs: list[Any]) -> float:
    squares: Any = 0.0
    for part in inputs:
        squares = squares + np.square(_numpy(part).reshape(len(part), -1)).sum(axis=1)
    return float(np.sqrt(np.max(squares)))


def _flat(layers: list[FoldedLayer]) -> np.ndarray:
    return np.concatenate([part.ravel() for layer in layers for part in (layer.kernel, layer.bias)])


def _numpy(variable: Any) -> np.ndarray:
    return cast(np.ndarray, ops.convert_to_numpy(variable).astype(np.float64))
