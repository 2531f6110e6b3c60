"""What a model must be for its loss to be measured: a line for each thing that would fail later, or silently."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import ops

from keras_sharpness.backend.internals import flatten_layers, producer
from keras_sharpness.errors import InputError, require

# Activations whose outputs are probabilities.
_TO_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid", "sparsemax")
_FROM_PROBABILITIES: dict[type, Callable[..., Any]] = {
    keras.losses.BinaryCrossentropy: keras.losses.binary_crossentropy,
    keras.losses.BinaryFocalCrossentropy: keras.losses.binary_focal_crossentropy,
    keras.losses.CategoricalCrossentropy: keras.losses.categorical_crossentropy,
    keras.losses.CategoricalFocalCrossentropy: keras.losses.categorical_focal_crossentropy,
    keras.losses.SparseCategoricalCrossentropy: keras.losses.sparse_categorical_crossentropy,
    keras.losses.KLDivergence: keras.losses.kl_divergence,
    keras.losses.Dice: keras.losses.dice,
    keras.losses.Tversky: keras.losses.tversky,
}


def require_measurable(model: keras.Model) -> None:
    """Raises unless all weights of a model are there and have gradients.

    Args:
        model: A built model.

    Raises:
        InputError: If a layer is not built or quantized, no weight is trainable, or Keras's float type has 16 bits.
    """
    single = model.layers if isinstance(model, keras.Sequential) else []
    unbuilt = [layer.name for layer in single if not layer.built]
    require(not unbuilt, "`model` must be built: call it on a batch", unbuilt_layers=unbuilt)
    quantized = {layer.name: mode for layer in flatten_layers(model) if (mode := layer.quantization_mode)}
    require(
        not quantized,
        "`model` must be measured before it is quantized, since its rounded weights have no gradient",
        quantized_layers=quantized,
    )
    frozen = f"`model` must have trainable weights: set `trainable` of the layers to perturb. Received: {model.name!r}"
    if not model.trainable_variables:
        raise InputError(f"{frozen}, which has {len(model.weights)} weights, none of them trainable")
    floatx = keras.config.floatx()
    what = "`keras.config.floatx()` must be float32 or float64; a policy of the layers chooses types of 16 bits"
    require(floatx in ("float32", "float64"), what, floatx=floatx)


def require_eager() -> None:
    """Raises while a function is traced: what is computed then are steps of a program, not numbers.

    Raises:
        InputError: If a function is.
    """
    try:
        ops.convert_to_numpy(ops.zeros(()))
    except Exception as error:  # Each backend raises an error of its own.
        what = "a measurement must run outside of traced functions, such as tf.function and jax.jit"
        raise InputError(f"{what}; in `fit`, use a callback. Received: {type(error).__name__}") from None


def require_logits(model: keras.Model, loss: Any) -> None:
    """Raises if the outputs of a model are known to be no logits, or a single one.

    Args:
        model: A built model.
        loss: What the user calls its loss; None: the compiled one.

    Raises:
        InputError: If its last activation or its loss says that they are probabilities, or an output has one entry.
    """
    what = "`normalize_logits` must be given logits: at least two, no softmax or sigmoid, a loss of from_logits=True"
    losses = keras.tree.flatten(getattr(model, "loss", None) if loss is None else loss)
    taking = [_name(fn) for fn in map(keras.losses.get, losses) if fn is not None and _takes_probabilities(fn)]
    require(not taking, what, loss=", ".join(taking))
    for output in getattr(model, "outputs", None) or []:
        activation = _activation(producer(output))
        require(activation not in _TO_PROBABILITIES, what, activation=activation)
        require(output.shape[-1] != 1, what, output_shape=tuple(output.shape))


def fixed_batch_size(model: keras.Model) -> int | None:
    """Returns the number of examples that a model's inputs are fixed to by `Input(batch_shape=...)`, or None.

    Args:
        model: A built model.
    """
    sizes = {tensor.shape[0] for tensor in getattr(model, "inputs", None) or [] if len(tensor.shape)} - {None}
    return min(sizes) if sizes else None


def require_passes(takes: Callable[[int], bool], model: keras.Model, sizes: Iterable[int]) -> None:
    """Raises unless a model of fixed batch size takes forward passes of some sizes.

    Args:
        takes: From a number of examples to whether the model takes as many, and returns an output for each.
        model: The model.
        sizes: Examples in the passes.

    Raises:
        InputError: If it does not take one.
    """
    fixed = fixed_batch_size(model)
    if fixed is None:
        return
    for size in set(sizes) - {fixed}:
        if not takes(size):
            raise InputError(
                f"forward passes must hold {fixed} examples, which the Input of the model is fixed to: choose `m`, or "
                f"`batch_size` that divides it. Received: a pass of {size} examples"
            )


def _takes_probabilities(loss: Any) -> bool:
    of_class = isinstance(loss, tuple(_FROM_PROBABILITIES)) and not getattr(loss, "_fn_kwargs", {}).get("from_logits")
    return of_class or any(loss is function for function in _FROM_PROBABILITIES.values())


def _activation(step: Any) -> str:
    """Returns the name of the function that a layer or operation ends with, those of a model's last for a model."""
    if isinstance(step, keras.Model):
        inner = getattr(step, "outputs", None) or []
        return _activation(producer(inner[0])) if inner else ""
    return str(getattr(getattr(step, "activation", None), "__name__", type(step).__name__)).lower()


def _name(loss: Any) -> str:
    return str(getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__)))
